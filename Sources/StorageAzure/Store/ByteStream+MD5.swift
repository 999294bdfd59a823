import Crypto
import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud

extension ByteStream {
    /// A body that must have the digest that the service has for it.
    func checked(expecting expected: MirrorCore.Digest) -> ByteStream {
        passing(Insecure.MD5()) { base, md5 in
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
}
