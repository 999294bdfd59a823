import MirrorCore
package import MirrorStorage
import NIOCore
package import NIOHTTP1
package import StorageCloud

/// One request to a bucket or an object of it, before it has an address and a signature.
package struct S3Call: Sendable {
    /// What the request has beyond the least, unless the server refuses it.
    struct Extra: Sendable {
        let quirk: S3Quirk
        let add: @Sendable (inout S3Call) -> Void
        /// Done before the request is sent without it; throws when that is not to happen.
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
    var extras: [Extra] = []
    /// Whether a stream is sent in chunks that guard it.
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

    /// The fields of an object's metadata, of which long ones are offered only.
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
    /// The check of bytes in memory, in base64; `nil` for a stream, behind which it is sent.
    var crc32c: String? {
        guard case .bytes(let buffers) = self else { return nil }
        var crc = CRC32C()
        for buffer in buffers { buffer.withUnsafeReadableBytes { crc.update($0) } }
        return Base64.encode(crc.bytes)
    }
}

extension WriteCondition {
    var headers: [(name: String, value: String)] {
        switch self {
        case .none: []
        case .absent: [("if-none-match", "*")]
        }
    }
}

/// What the service answered.
package struct S3Answer: ServiceAnswer {
    package var status: Int
    package var headers: HTTPHeaders
    /// Its errors are ``StorageError``s.
    package var body: ByteStream
    /// When it is an answer that says why not; `body` is in memory then.
    package var failure: S3Failure?
    /// The optional parts that the request had.
    var extras: Set<S3Quirk> = []
}
