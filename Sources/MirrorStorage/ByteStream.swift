public import NIOCore

/// Bytes that arrive over time, in chunks of any size; it can be read only once, unless the bytes are in memory (``chunks``).
///
/// It erases the type of the underlying sequence, so that protocols can use it, at the cost of one call through a closure for each chunk.
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

    /// The bytes, if they are already in memory: such a stream can be read again, and its length and digest are known from the start.
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

    /// A stream of one chunk, or of none if `buffer` is empty.
    public init(_ buffer: ByteBuffer) {
        self.init(chunks: [buffer])
    }

    private init(_ makeIterator: @escaping @Sendable () -> AsyncIterator) {
        chunks = nil
        self.makeIterator = makeIterator
    }

    public func makeAsyncIterator() -> AsyncIterator {
        makeIterator()
    }

    /// The same stream, checked or changed as it is read.
    ///
    /// - Parameters:
    ///   - state: Of the check, at the beginning.
    ///   - next: Returns the next chunk; takes those of this stream.
    package func passing<State: Sendable>(
        _ state: State, _ next: @escaping @Sendable (_ base: inout AsyncIterator, _ state: inout State) async throws -> ByteBuffer?
    ) -> ByteStream {
        ByteStream {
            var (base, state) = (makeAsyncIterator(), state)
            return AsyncIterator { try await next(&base, &state) }
        }
    }

    /// Reads the whole stream into memory.
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
