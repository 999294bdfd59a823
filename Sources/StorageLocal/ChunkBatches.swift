import MirrorStorage
import NIOCore

/// Gathers chunks of a stream, so that a batch is worth its way to another thread.
struct ChunkBatches {
    /// Bytes.
    static let size = 256 << 10
    /// Bytes; a shorter chunk is copied to the one before, because a system call of its own would cost more.
    static let smallChunk = 4 << 10

    private var chunks: ByteStream.AsyncIterator
    /// A chunk that no longer fitted into the last batch.
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

/// Chunks that are written one behind the other.
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

/// Says when a stretch of a file is long enough to be sent to the disk ahead of the `fsync` that waits for it.
struct WriteBack {
    /// Bytes: long enough for sequential writing, short enough that little is left at the end.
    static let stretch: Int64 = 16 << 20

    private var start: Int64

    init(offset: Int64) {
        start = offset
    }

    /// - Parameter end: Up to where the file will be written.
    /// - Returns: The stretch that is due then.
    mutating func advance(to end: Int64) -> (offset: Int64, length: Int64)? {
        guard end - start >= Self.stretch else { return nil }
        defer { start = end }
        return (start, end - start)
    }
}

/// Says which blocks of a part are to be reserved before its next bytes are written: some ahead of what has come, and not what was merely stated.
struct BlocksAhead {
    private let end: Int64
    /// Up to where blocks are reserved.
    var reserved: Int64

    init(_ part: UploadPart) {
        reserved = part.offset
        end = part.length.map { part.offset + $0 } ?? .max
    }

    /// - Parameter position: Up to where the file will be written.
    /// - Parameter written: Bytes of the whole upload that have come before.
    /// - Returns: Up to where blocks are to be reserved; `nil` where they are.
    func next(for position: Int64, written: () -> Int64) -> Int64? {
        guard position > reserved else { return nil }
        let (ahead, overflow) = position.addingReportingOverflow(SpaceAhead.bytes(after: written()))
        return max(min(overflow ? .max : ahead, end), position)
    }
}
