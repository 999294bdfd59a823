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

/// Where a download's bytes go: `FILE.part`, which becomes `FILE` when it is whole, or standard output.
struct DownloadTarget: ~Copyable {
    private let path: String?
    private let descriptor: Int32
    private var hash = SHA256()
    /// Bytes that are there.
    private(set) var size: Int64 = 0
    private var isFinished = false
    /// What they belong to.
    private(set) var record: PartialRecord?

    /// Standard output.
    init() {
        path = nil
        descriptor = STDOUT_FILENO
    }

    /// A file; what an earlier attempt left behind is continued.
    init(path: String) throws(CommandFailure) {
        self.path = path
        descriptor = open("\(path).part", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("\(path).part cannot be written", errno) }
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
        guard error == 0 else { throw Self.failure(path.map { "\($0).part cannot be written" } ?? "standard output is closed", error) }
        hash.update(bufferPointer: bytes)
        size += Int64(bytes.count)
    }

    /// Throws away what is there.
    mutating func discard() throws(CommandFailure) {
        guard let path else {
            guard size == 0 else {
                throw CommandFailure("the download broke off and cannot be continued; part of it was written to standard output already")
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
