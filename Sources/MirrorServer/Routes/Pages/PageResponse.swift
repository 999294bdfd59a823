import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorViews

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

    /// What a page may do besides showing the mirror's own files.
    enum Scope {
        /// A page for everyone. Its form may lead to any host: browsers also check the redirects that follow, and pools may be anywhere.
        case open
        /// A page behind the login, which sends its forms to the mirror and asks it for figures.
        case dashboard

        /// The `Content-Security-Policy`.
        fileprivate var policy: String {
            let own = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'"
            let end = "base-uri 'none'; frame-ancestors 'none'"
            return switch self {
            case .open: "\(own); form-action 'self' http: https:; \(end)"
            case .dashboard: "\(own); connect-src 'self'; form-action 'self'; \(end)"
            }
        }

        /// With `no-referrer`, browsers would not say either that a form was sent from the mirror's own page.
        fileprivate var referrerPolicy: String {
            switch self {
            case .open: "no-referrer"
            case .dashboard: "same-origin"
            }
        }
    }

    static func html(
        _ view: some View, in frame: Frame, status: HTTPResponse.Status = .ok, scope: Scope = .open, for request: Request
    ) -> Response {
        var fields: HTTPFields = [.contentType: "text/html; charset=utf-8", .contentSecurityPolicy: scope.policy]
        fields[.referrerPolicy] = scope.referrerPolicy
        fields[.xFrameOptions] = "DENY"
        fields[.crossOriginOpenerPolicy] = "same-origin"
        return response(status, fields, frame.html(view), for: request)
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
}

extension HTTPField.Name {
    // These are valid tokens, so the fallback is never used.
    fileprivate static let referrerPolicy = HTTPField.Name("Referrer-Policy") ?? .server
    fileprivate static let xFrameOptions = HTTPField.Name("X-Frame-Options") ?? .server
    fileprivate static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy") ?? .server
}
