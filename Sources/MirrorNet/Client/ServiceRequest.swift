public import MirrorCore
public import NIOCore
public import NIOHTTP1

/// A request to a service that the operator configured.
public struct ServiceRequest: Sendable {
    /// What is sent behind the head.
    public enum Body: Sendable {
        /// Nothing.
        case none
        /// Bytes in memory: their length is known, and the request can be repeated.
        case bytes([ByteBuffer])
        /// Bytes as they arrive.
        ///
        /// - Parameter length: What the stream holds, in bytes; more or less fails the request. `nil` if only the stream's end tells: it goes out in
        ///   chunks then (RFC 9112 §7.1), which not every service takes.
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
    /// Path and query exactly as they go onto the wire, percent-encoded; begins with `/`.
    public var target: String
    /// `Host`, `Content-Length` and `Transfer-Encoding` are set by the client, `User-Agent`, `Accept` and `Accept-Encoding` unless they are
    /// here.
    public var headers: HTTPHeaders
    /// Nothing for most methods.
    public var body: Body
    /// Whether it deletes although its method is not DELETE: what is deleted twice is no more gone than before.
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
