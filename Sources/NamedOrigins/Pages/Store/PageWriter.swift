import Crypto
import MirrorCore
import MirrorSystem
import NIOCore
import NIOPosix
import Synchronization

/// How many bytes of bodies have arrived that are not pages yet, so that origins cannot fill the disk with what never ends.
final class ArrivingBytes: Sendable {
    private let limit: Int64
    private let count = Atomic<Int64>(0)

    init(limit: Int64) {
        self.limit = limit
    }

    /// - Returns: Whether there is room for so many more; otherwise nothing changes.
    func add(_ bytes: Int) -> Bool {
        guard count.add(Int64(bytes), ordering: .relaxed).newValue > limit else { return true }
        count.subtract(Int64(bytes), ordering: .relaxed)
        return false
    }

    func remove(_ bytes: Int64) { count.subtract(bytes, ordering: .relaxed) }
}

/// A body that arrives, in a file that is removed unless it is kept.
final class PageWriter: Sendable {
    /// Bytes that are written at a time.
    private static let pieceSize = 256 << 10

    let name: String
    let descriptor: Descriptor
    let isKept = Atomic(false)
    private let directory: Descriptor
    private let arriving: ArrivingBytes
    private let arrived = Atomic<Int64>(0)
    private let threads: NIOThreadPool

    init(name: String, descriptor: Descriptor, directory: Descriptor, arriving: ArrivingBytes, _ threads: NIOThreadPool) {
        self.name = name
        self.descriptor = descriptor
        self.directory = directory
        self.arriving = arriving
        self.threads = threads
    }

    deinit {
        arriving.remove(arrived.load(ordering: .relaxed))
        // What is left over is removed at the next start.
        if !isKept.load(ordering: .relaxed) { try? directory.remove(name) }
    }

    /// Writes a body as it arrives.
    ///
    /// - Parameter limit: Bytes.
    /// - Parameter charge: Called with the number of bytes that have arrived, also if there are too many in the end.
    /// - Returns: `nil` if there are more.
    /// - Throws: ``PageStoreError`` if too much arrives at the same time; `Errno`; what the body throws.
    func write<Body: AsyncSequence>(
        _ body: Body, limit: Int64, charge: @Sendable (Int64) -> Void = { _ in }
    ) async throws -> (length: Int64, sha256: String)? where Body.Element == ByteBuffer {
        var piece: [UInt8] = []
        var length: Int64 = 0
        var hash = SHA256()
        for try await chunk in body {
            length += Int64(chunk.readableBytes)
            charge(Int64(chunk.readableBytes))
            guard length <= limit else { return nil }
            piece.append(contentsOf: chunk.readableBytesView)
            guard piece.count >= Self.pieceSize else { continue }
            hash.update(data: piece)
            try await append(piece)
            piece.removeAll(keepingCapacity: true)
        }
        hash.update(data: piece)
        try await append(piece)
        return (length, Hex.encode(hash.finalize()))
    }

    private func append(_ piece: [UInt8]) async throws {
        guard !piece.isEmpty else { return }
        guard arriving.add(piece.count) else { throw PageStoreError(message: "too much is arriving at the same time") }
        arrived.add(Int64(piece.count), ordering: .relaxed)
        try await threads.runIfActive { [descriptor] in try descriptor.append(piece) }
    }

    /// What was written, for one reader who is still there when the file has gone.
    func content(_ length: Int64) -> PageContent { .file(PageReader(descriptor, length: length, threads)) }
}

/// The bytes of a body before any rewriting.
enum PageContent: Sendable {
    case bytes([UInt8])
    case file(PageReader)
    /// With links that lead through the mirror already.
    case rewritten(RewrittenPage)

    var length: Int64 {
        switch self {
        case .bytes(let bytes): Int64(bytes.count)
        case .file(let reader): reader.length
        case .rewritten(let page): Int64(page.length)
        }
    }
}

/// Reads an open file from its beginning.
struct PageReader: Sendable {
    /// Bytes: small enough that the pieces of thousands of stalled readers fit into memory, each of whom has two.
    static let pieceSize: Int64 = 64 << 10

    let length: Int64
    private let descriptor: Descriptor
    private let threads: NIOThreadPool

    init(_ descriptor: Descriptor, length: Int64, _ threads: NIOThreadPool) {
        self.descriptor = descriptor
        self.length = length
        self.threads = threads
    }

    /// - Returns: Empty at the end.
    func bytes(at offset: Int64, upTo count: Int64 = Self.pieceSize) async throws -> [UInt8] {
        let count = min(count, length - offset)
        guard count > 0 else { return [] }
        let bytes = try await threads.runIfActive { [descriptor] in try descriptor.bytes(Int(count), at: offset) }
        guard bytes.count == Int(count) else { throw PageStoreError(message: "a page's file is shorter than it was") }
        return bytes
    }
}
