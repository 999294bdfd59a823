public import NIOCore

/// Bytes that arrive over time, in chunks of whatever size the producer has; made to be read once unless they are in memory (``chunks``).
///
/// Erases the type of the sequence behind it, so that protocols can name it: one call through a closure for each chunk.
public struct ByteStream: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    public struct AsyncIterator: AsyncIteratorProtocol {
        private let nextChunk: () async throws -> ByteBuffer?

        fileprivate init(_ nextChunk: @escaping () async throws -> ByteBuffer?) {
            self.nextChunk = nextChunk
        }

        public mutating func next() async throws -> ByteBuffer? {
            try await nextChunk()
        }
    }

    /// The bytes, where they are in memory already: such a stream may be read again, and what is needed of its end is known at its beginning.
    public let chunks: [ByteBuffer]?
    private let makeIterator: @Sendable () -> AsyncIterator

    /// - Parameter base: Read once.
    public init<Base: AsyncSequence & Sendable>(_ base: Base) where Base.Element == ByteBuffer {
        chunks = nil
        makeIterator = {
            var iterator = base.makeAsyncIterator()
            return AsyncIterator { try await iterator.next() }
        }
    }

    /// A stream of bytes in memory, which may be read any number of times.
    public init(chunks: [ByteBuffer]) {
        let chunks = chunks.filter { $0.readableBytes > 0 }
        self.chunks = chunks
        makeIterator = {
            var iterator = chunks.makeIterator()
            return AsyncIterator { iterator.next() }
        }
    }

    /// A stream of one chunk; of none when `buffer` is empty.
    public init(_ buffer: ByteBuffer) {
        self.init(chunks: [buffer])
    }

    public func makeAsyncIterator() -> AsyncIterator {
        makeIterator()
    }

    /// The whole stream in memory.
    ///
    /// - Throws: ``StorageError/Code/invalidRequest`` once there are more than `limit` bytes.
    public func collect(upTo limit: Int) async throws -> ByteBuffer {
        var all = ByteBuffer()
        for try await var chunk in self {
            guard all.readableBytes + chunk.readableBytes <= limit else {
                throw StorageError(.invalidRequest, "more than \(limit) bytes", operation: "collect")
            }
            all.writeBuffer(&chunk)
        }
        return all
    }
}
