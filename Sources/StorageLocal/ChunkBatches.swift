import MirrorStorage
import NIOCore

/// Gathers the chunks of a stream into batches that are worth handing to another thread.
struct ChunkBatches {
    /// Bytes.
    static let size = 256 << 10
    /// Bytes; a shorter chunk is appended to the previous one, because a separate system call would cost more.
    static let smallChunk = 4 << 10

    private var chunks: ByteStream.AsyncIterator
    /// A chunk that did not fit into the last batch.
    private var left: ByteBuffer?

    init(_ body: ByteStream) {
        chunks = body.makeAsyncIterator()
    }

    /// - Returns: At least one byte; at most ``size``, unless a single chunk is longer. `nil` at the stream's end.
    mutating func next() async throws -> ChunkBatch? {
        var batch = ChunkBatch()
        if let first = left.take() { batch.append(first) }
        while batch.byteCount < Self.size {
            guard let chunk = try await chunks.next() else { break }
            guard batch.byteCount == 0 || batch.byteCount + chunk.readableBytes <= Self.size else {
                left = chunk
                break
            }
            batch.append(chunk)
        }
        return batch.byteCount > 0 ? batch : nil
    }
}

/// Chunks that are written one after the other.
struct ChunkBatch: Sendable {
    private(set) var chunks: [ByteBuffer] = []
    private(set) var byteCount = 0

    fileprivate mutating func append(_ chunk: ByteBuffer) {
        let count = chunk.readableBytes
        guard count > 0 else { return }
        byteCount += count
        if count < ChunkBatches.smallChunk, let last = chunks.indices.last, chunks[last].readableBytes < ChunkBatches.size / 4 {
            chunks[last].writeImmutableBuffer(chunk)
        } else {
            chunks.append(chunk)
        }
    }
}

/// Decides when a section of a file is long enough to be sent to the disk before the final `fsync`.
struct WriteBack {
    /// Bytes: long enough for sequential writing, short enough that little is left for the end.
    static let stretch: Int64 = 16 << 20

    private var start: Int64

    init(offset: Int64) {
        start = offset
    }

    /// - Parameter end: The file will be written up to here.
    /// - Returns: The section that is due then.
    mutating func advance(to end: Int64) -> (offset: Int64, length: Int64)? {
        guard end - start >= Self.stretch else { return nil }
        defer { start = end }
        return (start, end - start)
    }
}

/// Decides which blocks of a part to reserve before its next bytes are written: some more than have arrived, but not the whole stated length.
struct BlocksAhead {
    private let end: Int64
    /// The end of the reserved blocks.
    var reserved: Int64

    init(_ part: UploadPart) {
        reserved = part.offset
        end = part.length.map { part.offset + $0 } ?? .max
    }

    /// - Parameter position: The file will be written up to here.
    /// - Parameter written: The bytes of the whole upload that have been written so far.
    /// - Returns: The new end of the reserved blocks; `nil` if enough are reserved.
    func next(for position: Int64, written: () -> Int64) -> Int64? {
        guard position > reserved else { return nil }
        let (ahead, overflow) = position.addingReportingOverflow(SpaceAhead.bytes(after: written()))
        return max(min(overflow ? .max : ahead, end), position)
    }
}
