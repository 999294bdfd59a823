import MirrorStorage
import NIOCore

/// Gathers small chunks of a stream, so that a write is worth its way to another thread.
struct ChunkBatches {
    /// Bytes.
    static let size = 256 << 10

    private var chunks: ByteStream.AsyncIterator
    /// A chunk that no longer fitted into the last batch.
    private var left: ByteBuffer?

    init(_ body: ByteStream) {
        chunks = body.makeAsyncIterator()
    }

    /// - Returns: At least one byte; at most ``size``, unless a single chunk is longer. `nil` at the stream's end.
    mutating func next() async throws -> ByteBuffer? {
        var batch = left.take() ?? ByteBuffer()
        while batch.readableBytes < Self.size / 2 {
            guard var chunk = try await chunks.next() else { break }
            if batch.readableBytes == 0 {
                batch = chunk
            } else if batch.readableBytes + chunk.readableBytes <= Self.size {
                batch.reserveCapacity(minimumWritableBytes: Self.size - batch.readableBytes)
                batch.writeBuffer(&chunk)
            } else {
                left = chunk
                break
            }
        }
        return batch.readableBytes > 0 ? batch : nil
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
