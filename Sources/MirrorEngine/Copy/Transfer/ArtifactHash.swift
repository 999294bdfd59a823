import Crypto
import struct MirrorCore.CRC32C
import struct MirrorCore.CRC64NVME
import struct MirrorCore.Digest
import NIOCore
import Synchronization

/// Computes digests of the bytes of an artifact: SHA-256 always, others if the origin stated them.
final class ArtifactHash: Sendable {
    private struct State {
        var sha256 = SHA256()
        var md5: Insecure.MD5?
        var sha1: Insecure.SHA1?
        var sha512: SHA512?
        var crc32c: CRC32C?
        var crc64: CRC64NVME?
        var count: Int64 = 0

        mutating func update(_ bytes: UnsafeRawBufferPointer) {
            count += Int64(bytes.count)
            sha256.update(bufferPointer: bytes)
            md5?.update(bufferPointer: bytes)
            sha1?.update(bufferPointer: bytes)
            sha512?.update(bufferPointer: bytes)
            crc32c?.update(bytes)
            crc64?.update(bytes)
        }
    }

    private let state: Mutex<State>
    private let stated: [Digest]

    init(stated: [Digest]) {
        self.stated = stated
        var state = State()
        for digest in stated {
            switch digest.algorithm {
            case .md5: state.md5 = Insecure.MD5()
            case .sha1: state.sha1 = Insecure.SHA1()
            case .sha512: state.sha512 = SHA512()
            case .crc32c: state.crc32c = CRC32C()
            case .crc64nvme: state.crc64 = CRC64NVME()
            case .sha256: break
            }
        }
        self.state = Mutex(state)
    }

    /// Bytes seen so far.
    var count: Int64 { state.withLock { $0.count } }

    func update(_ chunk: ByteBuffer) {
        chunk.withUnsafeReadableBytes { bytes in state.withLock { $0.update(bytes) } }
    }

    /// - Returns: The SHA-256 of everything seen.
    /// - Throws: ``CopyError`` if a digest is not the one that the origin stated.
    func finish() throws -> Digest {
        let state = state.withLock { $0 }
        var computed: [Digest?] = [Digest(.sha256, bytes: Array(state.sha256.finalize()))]
        if let md5 = state.md5 { computed.append(Digest(.md5, bytes: Array(md5.finalize()))) }
        if let sha1 = state.sha1 { computed.append(Digest(.sha1, bytes: Array(sha1.finalize()))) }
        if let sha512 = state.sha512 { computed.append(Digest(.sha512, bytes: Array(sha512.finalize()))) }
        if let crc32c = state.crc32c { computed.append(Digest(.crc32c, bytes: crc32c.bytes)) }
        if let crc64 = state.crc64 { computed.append(Digest(.crc64nvme, bytes: crc64.bytes)) }
        for digest in stated where !computed.contains(digest) {
            throw CopyError(
                .transfer, isTransient: true, "the data does not have the \(digest.algorithm.rawValue) digest that the origin stated")
        }
        guard let sha256 = computed[0] else {
            throw CopyError(.transfer, isTransient: false, "no SHA-256")
        }
        return sha256
    }
}
