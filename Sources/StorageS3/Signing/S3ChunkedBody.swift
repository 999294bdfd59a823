package import NIOCore

/// A body as it is sent in signed or checked chunks, whatever the chunks of the body underneath; may be read as often as that one.
package struct S3ChunkedBody<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable where Base.Element == ByteBuffer {
    let base: Base
    let encoder: ChunkEncoder

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: Base.AsyncIterator
        fileprivate var encoder: ChunkEncoder

        /// - Throws: What the body underneath throws; `StorageError` with the code `.invalidRequest` when its length is not as stated.
        ///   What was sent until then is no complete body.
        package mutating func next() async throws -> ByteBuffer? {
            while !encoder.isFinished {
                if let chunk = encoder.next() { return chunk }
                if let bytes = try await base.next() {
                    try encoder.take(bytes)
                } else {
                    try encoder.end()
                }
            }
            return nil
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), encoder: encoder)
    }
}
