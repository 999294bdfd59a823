import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import Synchronization

/// The CRC-32C of the bytes that have passed.
final class RunningCheck: Sendable {
    private let state = Mutex(CRC32C())

    /// The checksum of the bytes so far.
    var value: CRC32C { state.withLock { $0 } }

    func update(_ chunk: ByteBuffer) {
        chunk.withUnsafeReadableBytes { bytes in state.withLock { $0.update(bytes) } }
    }
}

extension ByteStream {
    /// Computes the CRC-32C of its bytes, and compares it at the end.
    ///
    /// - Parameter expected: The checksum in base64; `nil` if none is known.
    func checked(by check: RunningCheck = RunningCheck(), expecting expected: String? = nil) -> ByteStream {
        passing(check) { base, check in
            let chunk = try await base.next()
            if let chunk { check.update(chunk) }
            if chunk == nil, let expected, Base64.encode(check.value.bytes) != expected {
                throw CloudErrors.gcs.error(.checksumMismatch, "what arrived is not what the service has", "get")
            }
            return chunk
        }
    }
}
