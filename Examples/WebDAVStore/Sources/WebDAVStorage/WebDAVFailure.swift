import MirrorCore
import MirrorNet
import MirrorStorage
import NIOHTTP1

/// What a server's answers and a connection's failures mean in the words of object stores. Which of them are worth another attempt is
/// decided here.
enum WebDAVFailure {
    /// No answer asks for a longer wait than this.
    private static let longestWait = Duration.seconds(3_600)

    /// - Parameters:
    ///   - response: Its status is not what was asked for.
    ///   - request: What was asked for, for the message: `PUT uploads/1`.
    ///   - operation: A bounded label: `webdav.put`.
    static func error(_ response: ServiceResponse, to request: String, operation: String, now: Timestamp) -> StorageError {
        let (code, hint) = meaning(of: response.status)
        let retryAfter = response.headers.first(name: "retry-after").flatMap {
            Duration(retryAfter: $0, now: now, limit: longestWait)
        }
        return StorageError(
            code, "\(request): the server answers \(response.status)\(hint.map { ": \($0)" } ?? "")", operation: operation,
            retryAfter: code.isTransient ? retryAfter : nil)
    }

    private static func meaning(of status: Int) -> (StorageError.Code, hint: String?) {
        switch status {
        case 401: (.permissionDenied, "it wants another username or password")
        case 403: (.permissionDenied, "the mirror may not do that")
        case 404, 410: (.notFound, nil)
        case 405, 501: (.unsupported, "is WebDAV enabled for this collection?")
        case 409: (.unavailable, "a collection on the way there is missing")
        case 408, 504: (.timedOut, nil)
        case 412: (.preconditionFailed, nil)
        case 413: (.invalidRequest, "it takes no file that large")
        case 423, 429, 503: (.throttled, nil)
        case 507: (.full, "it has no space left")
        case 500...: (.unavailable, nil)
        case 300..<400: (.invalidRequest, "it redirects; write the URL that it redirects to")
        case 400..<500: (.invalidRequest, nil)
        // Done, but not in a way that means anything here.
        default: (.unavailable, nil)
        }
    }

    /// What is not of the connection stays as it is: it comes from the stream that was to be sent, or is a cancellation.
    static func mapping(_ error: any Error, _ method: HTTPMethod, operation: String) -> any Error {
        guard let error = error as? OutboundError else { return error }
        let code: StorageError.Code =
            switch error.code {
            case .timedOut: .timedOut
            // Whether the server has deleted it, or is about to, nobody knows then: as when it does not answer in time.
            case .truncated, .protocolError: method == .DELETE ? .timedOut : .unavailable
            case .connectFailed, .unresolvable, .tlsFailed: .unavailable
            case .refused, .redirectRefused, .badRedirect, .tooManyRedirects: .invalidRequest
            }
        return StorageError(code, error.message, operation: operation, cause: error)
    }
}
