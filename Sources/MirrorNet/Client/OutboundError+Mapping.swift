import AsyncHTTPClient
import MirrorCore
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

extension OutboundError {
    /// How far a request had got when it failed.
    enum Phase {
        /// Before the head of the response.
        case head
        case body
    }

    /// - Returns: The error as an ``OutboundError``; a `CancellationError` stays as it is.
    static func mapping(_ error: any Error, of url: ArtifactURL, during phase: Phase) -> any Error {
        if error is CancellationError || error is OutboundError { return error }
        let (code, what) = meaning(of: error, during: phase)
        return OutboundError(code, "\(url.redacted): \(what)", cause: error)
    }

    /// Whether the connection ended before a response began.
    static func isClosedConnection(_ error: any Error) -> Bool {
        guard !(error is CancellationError), !(error is OutboundError) else { return false }
        return meaning(of: error, during: .head).0 == .truncated
    }

    private static func meaning(of error: any Error, during phase: Phase) -> (Code, String) {
        let closed = "the connection closed \(phase == .head ? "before the response" : "before the end of the response")"
        switch error {
        case is ReadIdleError: return (.timedOut, "nothing arrived for too long")
        case is WrongPeerError: return (.connectFailed, "connected to a different address from the one that was checked")
        case let error as HTTPClientError: return meaning(of: error, closed: closed)
        case HTTPParserError.invalidEOFState, is KeptConnectionClosed: return (.truncated, closed)
        case let error as UnacceptableAnswer: return (.protocolError, error.description)
        case is HTTPParserError, is NIOHTTPDecoderError: return (.protocolError, "its answer is not HTTP/1")
        case NIOSSLError.uncleanShutdown: return (.truncated, closed)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return phase == .head ? (.tlsFailed, "no TLS connection, or a certificate that is not the host's") : (.truncated, closed)
        case ChannelError.connectTimeout: return (.timedOut, "no connection in time")
        case let error as IOError where phase == .body || error.errnoCode == ECONNRESET || error.errnoCode == EPIPE:
            return (.truncated, closed)
        case is ChannelError: return (.truncated, closed)
        default: return phase == .head ? (.connectFailed, "no connection") : (.truncated, closed)
        }
    }

    private static func meaning(of error: HTTPClientError, closed: String) -> (Code, String) {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout: (.timedOut, "no connection in time")
        case .readTimeout, .writeTimeout, .deadlineExceeded: (.timedOut, "nothing arrived for too long")
        case .remoteConnectionClosed: (.truncated, closed)
        case .cancelled, .alreadyShutdown: (.connectFailed, "the client is shut down")
        default: (.protocolError, error.shortDescription)
        }
    }
}
