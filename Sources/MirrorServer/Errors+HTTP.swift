import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorState
import NIOHTTP1

/// An error that a client is shown. The one place where errors become HTTP statuses.
struct RequestError: Error, Sendable {
    /// The original's error codes, and ours.
    enum Code: String, Sendable {
        case inputError = "InputError"
        case resourceNotFound = "ResourceNotFound"
        case forbidden = "Forbidden"
        case unauthorized = "AuthenticationFailed"
        case methodNotAllowed = "MethodNotAllowed"
        case originError = "OriginError"
        case tooLarge = "RequestTooLarge"
        case tooSlow = "RequestTimeout"
        case unavailable = "ServiceUnavailable"
        case internalError = "InternalServerError"

        var status: HTTPResponse.Status {
            switch self {
            case .inputError: .badRequest
            case .resourceNotFound: .notFound
            case .forbidden: .forbidden
            case .unauthorized: .unauthorized
            case .methodNotAllowed: .methodNotAllowed
            case .originError: .badGateway
            case .tooLarge: .contentTooLarge
            case .tooSlow: .requestTimeout
            case .unavailable: .serviceUnavailable
            case .internalError: .internalServerError
            }
        }
    }

    let code: Code
    /// For people; holds no path, credential or stack of ours.
    let message: String
    /// What `code` does not say: the origin's own status.
    let status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    private var artifact: ArtifactURL?
    /// What the original called it, where it did not use `code`.
    private var originalCode: String?

    init(_ code: Code, _ message: String, status: HTTPResponse.Status? = nil, headers: HTTPFields = [:]) {
        self.code = code
        self.message = message
        self.status = status ?? code.status
        self.headers = headers
    }

    /// The same, saying which artifact it is about.
    func about(_ artifact: ArtifactURL, as originalCode: String? = nil) -> RequestError {
        var error = self
        error.artifact = artifact
        error.originalCode = originalCode
        return error
    }

    /// The origin's own status, passed on.
    static func origin(status: Int, message: String, headers: HTTPFields) -> RequestError {
        let code: Code =
            switch status {
            case 400: .inputError
            case 401: .unauthorized
            case 403: .forbidden
            case 404: .resourceNotFound
            default: .originError
            }
        return RequestError(code, message, status: (400...599).contains(status) ? .init(code: status) : .badGateway, headers: headers)
    }

    /// Anything thrown below a route, as what the client is shown.
    init(_ error: any Error) {
        switch error {
        case let error as RequestError:
            self = error
        case let error as any HTTPResponseError:
            switch error.status {
            case .notFound: self.init(.resourceNotFound, "there is nothing at this address; see /v1/api-reference")
            case .contentTooLarge: self.init(.tooLarge, "the request's body is too large")
            case .methodNotAllowed: self.init(.methodNotAllowed, "this address does not support that method")
            case let status where status.kind == .clientError: self.init(.inputError, "the request cannot be read")
            default: self.init(.internalError, "internal error; see the mirror's log")
            }
        case is HTTPParserError:
            // In the middle of a body: nobody knows where the next request would begin.
            self.init(.inputError, "the request's body cannot be read", headers: [.connection: "close"])
        case let error as StateError where error.code == .unavailable:
            self.init(.unavailable, "the state cannot be reached at the moment; try again later")
        default:
            self.init(.internalError, "internal error; see the mirror's log")
        }
    }

    /// `{"code","message","requestInfo":{"method","params","time"}}`, with the original's `msg`, `err` and `url` beside it.
    func response(to method: HTTPRequest.Method, _ path: some StringProtocol, at time: Timestamp) -> WholeResponse {
        let body = JSONResponse.encode(
            ErrorAnswer(
                code: code.rawValue, message: message, err: originalCode, url: artifact?.description, method: method.rawValue,
                path: RequestTarget.shown(path), time: time.iso8601))
        var fields: HTTPFields = [
            .contentType: "application/json; charset=utf-8", .contentLength: String(body.count), .xContentTypeOptions: "nosniff",
        ]
        fields.append(contentsOf: headers)
        fields[.cacheControl] = "no-store"
        return WholeResponse(status: status, fields: fields, body: body)
    }
}
