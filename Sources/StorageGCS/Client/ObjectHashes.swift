import Crypto
import MirrorCore
import NIOCore
import NIOHTTP1

/// The hashes of an object or a part that the service states, and that it is told: both in base64.
///
/// - SeeAlso: Cloud Storage, "HTTP headers and query string parameters for XML", `x-goog-hash`.
struct ObjectHashes: Sendable, Equatable {
    static let fieldName = "x-goog-hash"

    var crc32c: String?
    /// Not of what was made of parts.
    var md5: String?

    init(crc32c: String? = nil, md5: String? = nil) {
        self.crc32c = crc32c
        self.md5 = md5
    }

    init(_ headers: HTTPHeaders) {
        for pair in headers[canonicalForm: Self.fieldName] {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            switch parts[0].lowercased() {
            case "crc32c": crc32c = String(parts[1])
            case "md5": md5 = String(parts[1])
            default: break
            }
        }
    }

    /// Of bytes in memory.
    ///
    /// - Parameter hasMD5: Whether both are computed.
    init(_ buffers: [ByteBuffer], hasMD5: Bool) {
        var check = CRC32C()
        var hash = Insecure.MD5()
        for buffer in buffers {
            buffer.withUnsafeReadableBytes { bytes in
                check.update(bytes)
                if hasMD5 { hash.update(bufferPointer: bytes) }
            }
        }
        crc32c = Base64.encode(check.bytes)
        md5 = hasMD5 ? Base64.encode(Array(hash.finalize())) : nil
    }

    /// `crc32c=…,md5=…`
    var fieldValue: String {
        [crc32c.map { "crc32c=\($0)" }, md5.map { "md5=\($0)" }].compactMap(\.self).joined(separator: ",")
    }

    /// Whether nothing that both say differs.
    func agrees(with other: ObjectHashes) -> Bool {
        (crc32c == nil || other.crc32c == nil || crc32c == other.crc32c) && (md5 == nil || other.md5 == nil || md5 == other.md5)
    }
}
