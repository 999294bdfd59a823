public import NIOCore

/// The body of a request as a stream.
///
/// ``ServiceClient/send(_:)`` throws errors of the stream unchanged.
public struct ServiceBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// Distinguishes an error of the stream from those of the connection.
    struct StreamFailure: Error {
        let cause: any Error
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let nextChunk: () async throws -> ByteBuffer?

        public mutating func next() async throws -> ByteBuffer? {
            try await nextChunk()
        }
    }

    private let makeIterator: @Sendable () -> AsyncIterator

    /// - Parameter base: Read once, as the connection takes its chunks.
    public init<Base: AsyncSequence & Sendable>(_ base: Base) where Base.Element == ByteBuffer {
        makeIterator = {
            var iterator = base.makeAsyncIterator()
            return AsyncIterator {
                do {
                    return try await iterator.next()
                } catch {
                    throw StreamFailure(cause: error)
                }
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        makeIterator()
    }
}
