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

    /// Of bytes in memory: the CRC-32C alone, which the service checks of every object, and which takes a fraction of the time.
    init(_ buffers: [ByteBuffer]) {
        var check = CRC32C()
        for buffer in buffers { buffer.withUnsafeReadableBytes { check.update($0) } }
        crc32c = Base64.encode(check.bytes)
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
