import MirrorCore
import MirrorStorage
import NIOCore
package import NIOHTTP1
package import StorageCloud

/// One request to a bucket or to an object in it, before it has a URL and a signature.
package struct S3Call: ServiceCall {
    /// An optional addition to the request, unless the server refuses it.
    struct Extra: Sendable {
        let quirk: S3Quirk
        let add: @Sendable (inout S3Call) -> Void
        /// Called before the request is sent without the addition; throws to prevent that.
        var instead: (@Sendable () async throws -> Void)?
    }

    /// A bounded metric label without the service: `head`.
    package var name: String
    package var method: HTTPMethod
    /// The object's own name, not encoded; `nil` for the bucket.
    package var key: String?
    package var query: [(name: String, value: String?)]
    package var headers: [(name: String, value: String)]
    package var body: CallBody
    /// The SHA-256 of a body in memory, if it is known; otherwise it is computed where the signature covers it.
    var sha256: Digest?
    var extras: [Extra] = []
    /// Whether a stream is sent in chunks that protect it.
    var guardsStream = false

    package init(
        _ name: String, _ method: HTTPMethod, key: String? = nil, query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = [], body: CallBody = .none
    ) {
        self.name = name
        self.method = method
        self.key = key
        self.query = query
        self.headers = headers
        self.body = body
    }

    mutating func offer(
        _ quirk: S3Quirk, instead: (@Sendable () async throws -> Void)? = nil, _ add: @escaping @Sendable (inout S3Call) -> Void
    ) {
        extras.append(Extra(quirk: quirk, add: add, instead: instead))
    }

    /// Adds the fields of an object's metadata; long values only as an optional addition.
    mutating func addMetadata(_ metadata: ObjectMetadata) {
        let short = MetadataFields.s3.shortened(metadata, to: S3Quirk.shortValue)
        headers += MetadataFields.s3.headers(short)
        guard short != metadata else { return }
        let full = MetadataFields.s3.headers(metadata)
        let names = Set(full.map(\.name))
        offer(.longMetadata) { call in
            call.headers.removeAll { names.contains($0.name) }
            call.headers += full
        }
    }

    mutating func offer(_ quirk: S3Quirk, _ headers: [(name: String, value: String)], instead: (@Sendable () async throws -> Void)? = nil) {
        if !headers.isEmpty { offer(quirk, instead: instead) { $0.headers += headers } }
    }
}

extension CallBody {
    /// The checksum of bytes in memory, in base64; `nil` for a stream, whose checksum is sent after it.
    var crc32c: String? {
        guard case .bytes(let buffers) = self else { return nil }
        var crc = CRC32C()
        for buffer in buffers { buffer.withUnsafeReadableBytes { crc.update($0) } }
        return Base64.encode(crc.bytes)
    }
}

package typealias S3Answer = ServiceAnswer<S3Failure>
