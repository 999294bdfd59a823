package import MirrorCore
package import MirrorStorage
package import NIOCore

/// A range of a longer stream.
package struct StreamCut: AsyncSequence, Sendable {
    private let base: ByteStream
    private let range: ByteRange

    package init(_ base: ByteStream, to range: ByteRange) {
        self.base = base
        self.range = range
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: ByteStream.AsyncIterator
        fileprivate var skip: Int64
        fileprivate var left: Int64

        package mutating func next() async throws -> ByteBuffer? {
            while left > 0, var chunk = try await base.next() {
                let skipped = Swift.min(skip, Int64(chunk.readableBytes))
                chunk.moveReaderIndex(forwardBy: Int(skipped))
                skip -= skipped
                guard let slice = chunk.readSlice(length: Int(Swift.min(left, Int64(chunk.readableBytes)))), slice.readableBytes > 0 else {
                    continue
                }
                left -= Int64(slice.readableBytes)
                return slice
            }
            return nil
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), skip: range.offset, left: range.length)
    }
}
