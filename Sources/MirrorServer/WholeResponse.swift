import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorStorage
import NIOCore
import NIOHTTP1

/// A complete response, with its fields in the one order that the slow and the fast path share.
struct WholeResponse: Sendable {
    let status: HTTPResponse.Status
    /// Followed by `Date`.
    let fields: HTTPFields
    let body: [UInt8]

    /// - Parameter reason: Why this pool was chosen; not shown to a client that named the pool.
    /// - Parameter message: Why the location does not lead to a replica; `nil` if it does.
    static func redirect(
        _ status: HTTPResponse.Status, to location: String, pool: PoolID?, reason: PoolReason = .named, outcome: Outcome, digest: Digest?,
        message: String? = nil
    ) -> WholeResponse {
        let body = JSONResponse.encode(
            RedirectCall.Answer(status: message == nil ? RedirectCall.Answer.present : nil, msg: message, url: location))
        var fields = HTTPFields()
        fields.reserveCapacity(10)
        func add(_ name: HTTPField.Name, _ value: String) { fields.append(HTTPField(name: name, value: value)) }
        add(.location, location)
        add(.cacheControl, "no-store")
        if let pool { add(.cloudMirrorPool, pool.description) }
        if reason != .named { add(.cloudMirrorPoolReason, reason.rawValue) }
        add(.cloudMirrorOutcome, outcome.rawValue)
        if let digest { add(.reprDigest, digest.fieldValue) }
        add(.contentType, "application/json; charset=utf-8")
        add(.xContentTypeOptions, "nosniff")
        add(.contentLength, String(body.count))
        return WholeResponse(status: status, fields: fields, body: body)
    }

    /// The answer to HEAD in place of a redirect.
    static func description(_ description: ArtifactDescription, pool: PoolID?, reason: PoolReason) -> WholeResponse {
        var fields = HTTPFields()
        fields.reserveCapacity(13)
        func add(_ name: HTTPField.Name, _ value: String?) {
            if let value { fields.append(HTTPField(name: name, value: value)) }
        }
        add(.cacheControl, "no-store")
        add(.cloudMirrorPool, pool?.description)
        if reason != .named { add(.cloudMirrorPoolReason, reason.rawValue) }
        add(.cloudMirrorOutcome, description.outcome.rawValue)
        add(.reprDigest, description.sha256?.fieldValue)
        add(.contentType, description.contentType ?? "application/octet-stream")
        add(.contentEncoding, description.contentEncoding)
        add(.contentDisposition, description.contentDisposition)
        add(.eTag, description.etag)
        add(.lastModified, description.lastModified?.httpDate)
        if description.acceptsRanges { add(.acceptRanges, "bytes") }
        fields.append(contentsOf: HTTPFields(description.originFields))
        add(.xContentTypeOptions, "nosniff")
        add(.contentLength, String(description.size))
        return WholeResponse(status: .ok, fields: fields, body: [])
    }

    /// For Hummingbird, which appends `Date`.
    func response(to request: Request) -> Response {
        Response(
            status: status, headers: fields,
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The bytes up to the value of `Date`, which comes last.
    var headBytes: [UInt8] {
        // Like the HTTP encoder, which knows the phrases of more statuses than have a name here.
        let reason = HTTPResponseStatus(statusCode: status.code, reasonPhrase: status.reasonPhrase).reasonPhrase
        var text = "HTTP/1.1 \(status.code) \(reason)\r\n"
        for field in fields { text += "\(field.name.rawName): \(field.value)\r\n" }
        text += "\(HTTPField.Name.date.rawName): "
        return Array(text.utf8)
    }

    /// The whole response as sent at that time.
    func bytes(at time: Timestamp, toHead isHead: Bool) -> ByteBuffer {
        var bytes = ByteBuffer(bytes: headBytes)
        bytes.writeString(time.httpDate)
        bytes.writeStaticString("\r\n\r\n")
        if !isHead { bytes.writeBytes(body) }
        return bytes
    }
}

extension HTTPFields {
    /// As the origin sent them.
    init(_ fields: OriginFields) {
        self.init()
        for (name, value) in fields.all {
            if let name = HTTPField.Name(name.rawValue) { append(HTTPField(name: name, value: value)) }
        }
    }
}

extension HTTPField.Name {
    // These are valid tokens, so the fallback is never used.
    static let cloudMirrorPool = HTTPField.Name("X-Cloud-Mirror-Pool") ?? .server
    static let cloudMirrorPoolReason = HTTPField.Name("X-Cloud-Mirror-Pool-Reason") ?? .server
    static let cloudMirrorOutcome = HTTPField.Name("X-Cloud-Mirror-Outcome") ?? .server
    static let reprDigest = HTTPField.Name("Repr-Digest") ?? .server
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .server
    private static let forwarded = HTTPField.Name("Forwarded") ?? .server

    static func named(_ header: ProxyHeader) -> HTTPField.Name {
        switch header {
        case .xForwardedFor: forwardedFor
        case .forwarded: forwarded
        }
    }
}
