package import NIOCore

/// A body in signed or checked chunks, whatever the chunks of the underlying body. It can be read as often as that body.
package struct S3ChunkedBody<Base: AsyncSequence & Sendable>: AsyncSequence, Sendable where Base.Element == ByteBuffer {
    let base: Base
    let encoder: ChunkEncoder

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: Base.AsyncIterator
        fileprivate var encoder: ChunkEncoder

        /// - Throws: Errors of the underlying body; `StorageError` with the code `.invalidRequest` if its length is not as stated.
        ///   The bytes sent until then are not a complete body.
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
