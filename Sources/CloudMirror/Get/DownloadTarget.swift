import struct Crypto.SHA256
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore

/// Where a download's bytes go: `FILE.part`, which becomes `FILE` when it is whole, or straight to what cannot be replaced.
struct DownloadTarget: ~Copyable {
    /// `nil` for what is not a regular file.
    private let path: String?
    /// For messages.
    private let name: String
    private let descriptor: Int32
    private var hash = SHA256()
    /// Bytes that are there.
    private(set) var size: Int64 = 0
    private var isFinished = false
    /// What they belong to.
    private(set) var record: PartialRecord?

    private init(path: String? = nil, name: String, descriptor: Int32) {
        self.path = path
        self.name = name
        self.descriptor = descriptor
    }

    /// Opens what `place` says; blocks where that is a pipe which nobody reads yet.
    static func open(_ place: OutputPlace) throws(CommandFailure) -> DownloadTarget {
        switch place {
        case .descriptor(let number):
            return DownloadTarget(name: number == STDOUT_FILENO ? "standard output" : "the output", descriptor: number)
        case .special(let special):
            let descriptor = systemOpen(special, O_WRONLY | O_CLOEXEC | O_NOCTTY)
            guard descriptor >= 0 else { throw failure("\(special) cannot be written", errno) }
            return DownloadTarget(name: special, descriptor: descriptor)
        case .file(let file, let mode):
            var target = DownloadTarget(path: file, name: "\(file).part", descriptor: try openPart("\(file).part", mode: mode))
            try target.takeUp(file)
            return target
        }
    }

    private static func openPart(_ path: String, mode: mode_t?) throws(CommandFailure) -> Int32 {
        // A link or a pipe that somebody put there is not ours.
        let descriptor = systemOpen(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("\(path) cannot be written", errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure("\(path) is not a regular file; remove it")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
            throw CommandFailure("another download writes to \(path)")
        }
        if let mode { _ = fchmod(descriptor, mode) }
        return descriptor
    }

    /// What an earlier attempt left behind is continued.
    private mutating func takeUp(_ path: String) throws(CommandFailure) {
        if case .success(let bytes) = SmallFile.read("\(path).part.json", limit: 65_536) {
            record = try? JSONDecoder().decode(PartialRecord.self, from: Data(bytes))
        }
        if record == nil { try discard() } else { try readBack() }
    }

    deinit {
        guard let path else { return }
        close(descriptor)
        // Nothing came: nothing stays.
        if size == 0, !isFinished { SmallFile.remove("\(path).part") }
    }

    var isFile: Bool { path != nil }

    /// Notes which version the bytes to come belong to; without a note they are not continued later.
    mutating func remember(_ record: PartialRecord?) {
        self.record = record
        guard let path else { return }
        guard let record, let json = try? JSONEncoder().encode(record) else { return SmallFile.remove("\(path).part.json") }
        // Without the note a later run begins anew; that is all.
        _ = SmallFile.write(Array(json), to: "\(path).part.json")
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CommandFailure) {
        let error = Terminal.write(bytes, to: descriptor)
        guard error == 0 else { throw Self.failure("\(name) cannot be written", error) }
        hash.update(bufferPointer: bytes)
        size += Int64(bytes.count)
    }

    /// Throws away what is there.
    mutating func discard() throws(CommandFailure) {
        guard let path else {
            guard size == 0 else {
                throw CommandFailure("the download broke off and cannot be continued; part of it was written to \(name) already")
            }
            return
        }
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw Self.failure("\(path).part cannot be emptied", errno)
        }
        remember(nil)
        size = 0
        hash = SHA256()
    }

    var sha256: Digest? { Digest(.sha256, bytes: Array(hash.finalize())) }

    /// Gives the file its name.
    mutating func finish() throws(CommandFailure) {
        guard let path else { return }
        guard fsync(descriptor) == 0, rename("\(path).part", path) == 0 else { throw Self.failure("\(path) cannot be written", errno) }
        SmallFile.remove("\(path).part.json")
        isFinished = true
    }

    /// Removes what is there: it is not what was wanted.
    mutating func remove() {
        guard let path else { return }
        SmallFile.remove("\(path).part")
        SmallFile.remove("\(path).part.json")
    }

    private mutating func readBack() throws(CommandFailure) {
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.failure("what an earlier attempt left behind cannot be read", errno) }
            if count == 0 { return }
            hash.update(data: chunk[..<count])
            size += Int64(count)
        }
    }

    private static func failure(_ what: String, _ error: Int32) -> CommandFailure {
        CommandFailure("\(what): \(String(cString: strerror(error)))")
    }
}

/// The system call, which ``DownloadTarget/open(_:)`` would hide.
private func systemOpen(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o644) }
