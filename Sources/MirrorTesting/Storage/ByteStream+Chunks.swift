package import MirrorStorage
package import NIOCore

extension ByteStream {
    /// A stream of given chunks, for tests.
    ///
    /// - Parameter failure: Thrown after the last chunk instead of an end.
    package init(chunks: [ByteBuffer], failure: (any Error)? = nil) {
        self.init(Chunks(chunks: chunks, failure: failure))
    }

    private struct Chunks: AsyncSequence, Sendable {
        let chunks: [ByteBuffer]
        let failure: (any Error)?

        struct AsyncIterator: AsyncIteratorProtocol {
            var chunks: IndexingIterator<[ByteBuffer]>
            let failure: (any Error)?

            mutating func next() async throws -> ByteBuffer? {
                if let chunk = chunks.next() { return chunk }
                if let failure { throw failure }
                return nil
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: chunks.makeIterator(), failure: failure) }
    }
}

/// The error at the end of a test's broken stream.
package struct BrokenStream: Error, Sendable {
    package init() {}
}
