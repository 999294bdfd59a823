import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorState
import NIOHTTP1

/// An error that a client gets. This is the one place where errors become HTTP statuses.
struct RequestError: Error, Sendable {
    /// The error codes of the original service, and ours.
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
    /// For people; contains no path, credential or stack trace of the mirror.
    let message: String
    /// The status of `code`, or the origin's own.
    let status: HTTPResponse.Status
    var headers: HTTPFields = [:]
    private var artifact: ArtifactURL?
    /// The original service's code, where it differs from `code`.
    private var originalCode: String?

    init(_ code: Code, _ message: String, status: HTTPResponse.Status? = nil, headers: HTTPFields = [:]) {
        self.code = code
        self.message = message
        self.status = status ?? code.status
        self.headers = headers
    }

    /// The same error, with the artifact that it is about.
    func about(_ artifact: ArtifactURL, as originalCode: String? = nil) -> RequestError {
        var error = self
        error.artifact = artifact
        error.originalCode = originalCode
        return error
    }

    /// An error with the origin's own status.
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

    /// Turns any error thrown below a route into what the client gets.
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
            // In the middle of a body: it is unknown where the next request would begin.
            self.init(.inputError, "the request's body cannot be read", headers: [.connection: "close"])
        case let error as StateError where error.code == .unavailable:
            self.init(.unavailable, "the state cannot be reached at the moment; try again later")
        default:
            self.init(.internalError, "internal error; see the mirror's log")
        }
    }

    /// `{"code","message","requestInfo":{"method","params","time"}}`, plus `msg`, `err` and `url` of the original service.
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
