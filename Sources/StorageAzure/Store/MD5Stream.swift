import Crypto
import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud

/// A body that must have the digest that the service keeps of it.
struct MD5Stream: AsyncSequence, Sendable {
    private let base: ByteStream
    private let expected: MirrorCore.Digest

    init(_ base: ByteStream, expecting expected: MirrorCore.Digest) {
        self.base = base
        self.expected = expected
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var base: ByteStream.AsyncIterator
        fileprivate let expected: MirrorCore.Digest
        fileprivate var md5 = Insecure.MD5()

        mutating func next() async throws -> ByteBuffer? {
            guard let chunk = try await base.next() else {
                guard Array(md5.finalize()) == expected.bytes else {
                    throw CloudErrors.azure.error(.checksumMismatch, "the bytes do not have the MD5 that the service states", "get")
                }
                return nil
            }
            chunk.withUnsafeReadableBytes { md5.update(bufferPointer: $0) }
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), expected: expected) }
}
