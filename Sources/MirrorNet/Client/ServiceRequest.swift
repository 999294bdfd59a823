public import MirrorCore
public import NIOCore
public import NIOHTTP1

/// A request to a service that the operator configured.
public struct ServiceRequest: Sendable {
    /// The content of a request, after its head.
    public enum Body: Sendable {
        /// No body.
        case none
        /// Bytes in memory: their length is known, and the request can be repeated.
        case bytes([ByteBuffer])
        /// Bytes as they arrive.
        ///
        /// - Parameter length: The length of the stream in bytes; if it is longer or shorter, the request fails. `nil` if it is not known before the end of
        ///   the stream: then the body is sent in chunks (RFC 9112 §7.1), which not every service accepts.
        case stream(ServiceBody, length: Int64?)
    }

    /// `GET`, `PUT`, …
    public var method: HTTPMethod
    /// Whether the connection uses TLS.
    public var scheme: ArtifactURL.Scheme
    /// A name or an address; IPv6 without brackets.
    public var host: String
    /// 1...65535.
    public var port: Int
    /// Path and query exactly as they are sent, percent-encoded; begins with `/`.
    public var target: String
    /// `Host`, `Content-Length` and `Transfer-Encoding` are set by the client; `User-Agent`, `Accept` and `Accept-Encoding` are set unless they are
    /// given here.
    public var headers: HTTPHeaders
    /// Empty for most methods.
    public var body: Body
    /// Whether the request deletes although its method is not DELETE.
    public var isDeletion: Bool

    public init(
        method: HTTPMethod = .GET, scheme: ArtifactURL.Scheme, host: String, port: Int, target: String, headers: HTTPHeaders = [:],
        body: Body = .none, isDeletion: Bool = false
    ) {
        self.method = method
        self.scheme = scheme
        self.host = host
        self.port = port
        self.target = target
        self.headers = headers
        self.body = body
        self.isDeletion = isDeletion
    }
}
