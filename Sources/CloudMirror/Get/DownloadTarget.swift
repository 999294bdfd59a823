import struct Crypto.SHA256
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore
import MirrorSystem

/// Where a download's bytes go: `FILE.part`, which is renamed to `FILE` when complete, or directly to something that cannot be replaced.
struct DownloadTarget: ~Copyable {
    /// `nil` unless it is a regular file.
    private let path: String?
    /// For messages.
    private let name: String
    private let output: Descriptor
    private var hash = SHA256()
    /// Bytes that have been written.
    private(set) var size: Int64 = 0
    private var isFinished = false
    /// The version of the artifact that these bytes belong to.
    private(set) var record: PartialRecord?

    private init(path: String? = nil, name: String, output: Descriptor) {
        self.path = path
        self.name = name
        self.output = output
    }

    /// Opens the output; blocks if it is a pipe without a reader.
    static func open(_ place: OutputPlace) throws(CommandFailure) -> DownloadTarget {
        switch place {
        case .descriptor(let number):
            let name = number == StandardStream.output.rawValue ? "standard output" : "the output"
            return DownloadTarget(
                name: name,
                output: try CommandFailure.explaining("\(name) cannot be written") { () throws(Errno) in
                    Descriptor(owning: try Descriptor.duplicate(number))
                })
        case .special(let special):
            return DownloadTarget(
                name: special,
                output: try CommandFailure.explaining("\(special) cannot be written") { () throws(Errno) in
                    try Descriptor(special, for: .writing, .noControllingTerminal)
                })
        case .file(let file, let mode):
            var target = DownloadTarget(path: file, name: "\(file).part", output: try openPart("\(file).part", mode: mode))
            try target.takeUp(file)
            return target
        }
    }

    private static func openPart(_ path: String, mode: UInt16?) throws(CommandFailure) -> Descriptor {
        let part = try CommandFailure.explaining("\(path) cannot be written") { () throws(Errno) in
            // Do not write through a link or to a pipe that somebody else put there.
            try Descriptor(path, for: .readingAndWriting, [.create, .noFollow, .nonBlocking], mode: 0o644)
        }
        guard (try? part.fileSize()) != nil else { throw CommandFailure("\(path) is not a regular file; remove it") }
        // Without locks in the file system, assume that no other download is running.
        guard (try? part.lockExclusively()) != false else { throw CommandFailure("another download writes to \(path)") }
        if let mode { try? part.setPermissions(mode) }
        return part
    }

    /// Continues what an earlier attempt left behind.
    private mutating func takeUp(_ path: String) throws(CommandFailure) {
        if let note = try? SmallFile.read("\(path).part.json", limit: 65_536) {
            record = try? ForeignJSON.decode(PartialRecord.self, from: note.bytes)
        }
        if record == nil { try discard() } else { try readBack() }
    }

    deinit {
        // Nothing was downloaded, so leave nothing behind.
        if let path, size == 0, !isFinished { FilePath.remove("\(path).part") }
    }

    var isFile: Bool { path != nil }

    /// Records which version the next bytes belong to; without a record they cannot be continued later.
    mutating func remember(_ record: PartialRecord?) {
        self.record = record
        guard let path else { return }
        guard let record, let json = try? JSONEncoder().encode(record) else { return FilePath.remove("\(path).part.json") }
        // If this fails, a later run just starts from the beginning.
        try? SmallFile.write(Array(json), to: "\(path).part.json")
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CommandFailure) {
        let (output, place) = (output, isFile ? size : nil)
        try CommandFailure.explaining("\(name) cannot be written") { () throws(Errno) in
            if let place { try output.write(bytes, at: place) } else { try output.append(bytes) }
        }
        hash.update(bufferPointer: bytes)
        size += Int64(bytes.count)
    }

    mutating func discard() throws(CommandFailure) {
        guard let path else {
            guard size == 0 else {
                throw CommandFailure("the download was cut short and cannot be continued: part of it was already written to \(name)")
            }
            return
        }
        let output = output
        try CommandFailure.explaining("\(path).part cannot be emptied") { () throws(Errno) in try output.truncate(to: 0) }
        remember(nil)
        size = 0
        hash = SHA256()
    }

    var sha256: Digest? { Digest(.sha256, bytes: Array(hash.finalize())) }

    /// Renames the complete file to its final name.
    mutating func finish() throws(CommandFailure) {
        guard let path else { return }
        let output = output
        try CommandFailure.explaining("\(path) cannot be written") { () throws(Errno) in
            try output.sync()
            try FilePath.rename("\(path).part", to: path)
        }
        FilePath.remove("\(path).part.json")
        isFinished = true
    }

    /// Removes what has been downloaded, because it is not the expected artifact.
    mutating func remove() {
        guard let path else { return }
        FilePath.remove("\(path).part")
        FilePath.remove("\(path).part.json")
    }

    private mutating func readBack() throws(CommandFailure) {
        let output = output
        while true {
            let place = size
            let chunk = try CommandFailure.explaining("the partial file of an earlier attempt cannot be read") { () throws(Errno) in
                try output.bytes(1 << 20, at: place)
            }
            if chunk.isEmpty { return }
            hash.update(data: chunk)
            size += Int64(chunk.count)
        }
    }
}
