import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import NIOCore

/// A redirect as it goes over the wire, in the one order of fields that the slow and the fast path share.
struct RedirectResponse {
    let status: HTTPResponse.Status
    let fields: [(name: HTTPField.Name, value: String)]
    let body: [UInt8]

    init(status: HTTPResponse.Status, location: String, pool: PoolID?, outcome: Outcome, digest: Digest?) {
        self.status = status
        body = JSONResponse.encode(Body(status: status.code, url: location))
        var fields: [(name: HTTPField.Name, value: String)] = [
            (.location, location),
            (.cacheControl, "no-store"),
        ]
        if let pool { fields.append((.cloudMirrorPool, pool.description)) }
        fields.append((.cloudMirrorOutcome, outcome.rawValue))
        if let digest { fields.append((.reprDigest, digest.fieldValue)) }
        fields += [
            (.contentType, "application/json; charset=utf-8"),
            (.xContentTypeOptions, "nosniff"),
            (.contentLength, String(body.count)),
        ]
        self.fields = fields
    }

    private struct Body: Encodable {
        let status: Int
        let url: String
    }

    /// For Hummingbird, which appends `Date`.
    func response(to request: Request) -> Response {
        var headers = HTTPFields()
        headers.reserveCapacity(fields.count + 1)
        for field in fields { headers.append(HTTPField(name: field.name, value: field.value)) }
        return Response(
            status: status, headers: headers,
            body: request.method == .head ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The bytes up to the value of `Date`, which comes last.
    var headBytes: [UInt8] {
        var text = "HTTP/1.1 \(status.code) \(status.reasonPhrase)\r\n"
        for field in fields { text += "\(field.name.rawName): \(field.value)\r\n" }
        text += "\(HTTPField.Name.date.rawName): "
        return Array(text.utf8)
    }
}

extension HTTPField.Name {
    // Valid tokens, so that none is ever the placeholder.
    static let cloudMirrorPool = HTTPField.Name("X-Cloud-Mirror-Pool") ?? .server
    static let cloudMirrorOutcome = HTTPField.Name("X-Cloud-Mirror-Outcome") ?? .server
    static let reprDigest = HTTPField.Name("Repr-Digest") ?? .server
    static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .server
    static let forwarded = HTTPField.Name("Forwarded") ?? .server
}
