import Crypto
import HTTPTypes
import Hummingbird
import MirrorCore

/// Answers for people: HTML for browsers, text for other clients.
enum PageResponse {
    static func isHTMLWanted(by request: Request) -> Bool {
        request.headers[values: .accept].contains { field in
            field.lowercased().split(separator: ",").contains { range in
                let words = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
                return words.first == "text/html"
                    && !words.contains { $0 == "q=0" || ($0.hasPrefix("q=0.") && $0.dropFirst(4).allSatisfy { $0 == "0" }) }
            }
        }
    }

    /// - Parameter policy: The `Content-Security-Policy` of the page.
    static func html(_ text: String, status: HTTPResponse.Status = .ok, policy: String, for request: Request) -> Response {
        var fields: HTTPFields = [.contentType: "text/html; charset=utf-8", .contentSecurityPolicy: policy]
        fields[.referrerPolicy] = "no-referrer"
        return response(status, fields, text, for: request)
    }

    static func text(_ text: String, for request: Request) -> Response {
        response(.ok, [.contentType: "text/plain; charset=utf-8"], text, for: request)
    }

    private static func response(_ status: HTTPResponse.Status, _ fields: HTTPFields, _ body: String, for request: Request) -> Response {
        var fields = fields
        fields[.vary] = "Accept"
        fields[.cacheControl] = "no-store"
        fields[.xContentTypeOptions] = "nosniff"
        fields[.contentLength] = String(body.utf8.count)
        return WholeResponse(status: status, fields: fields, body: Array(body.utf8)).response(to: request)
    }

    /// The source in a `Content-Security-Policy` that allows a page its own style.
    static func source(ofStyle style: String) -> String {
        "'sha256-\(Base64.encode(Array(SHA256.hash(data: Array(style.utf8)))))'"
    }
}

extension HTTPField.Name {
    // This is a valid token, so the fallback is never used.
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .server
}
