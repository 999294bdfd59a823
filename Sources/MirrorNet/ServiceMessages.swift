public import MirrorCore
public import NIOCore
public import NIOHTTP1

/// A request to a service that the operator configured.
public struct ServiceRequest: Sendable {
    public enum Body: Sendable {
        case none
        case bytes([ByteBuffer])
        /// - Parameter length: What the stream holds, in bytes; more or less fails the request.
        case stream(ServiceBody, length: Int64)
    }

    public var method: HTTPMethod
    public var scheme: ArtifactURL.Scheme
    /// A name or an address; IPv6 without brackets.
    public var host: String
    public var port: Int
    /// Path and query exactly as they go onto the wire, percent-encoded; begins with `/`.
    public var target: String
    /// `Host` and `Content-Length` are set by the client, `User-Agent`, `Accept` and `Accept-Encoding` unless they are here.
    public var headers: HTTPHeaders
    public var body: Body

    public init(
        method: HTTPMethod = .GET, scheme: ArtifactURL.Scheme, host: String, port: Int, target: String, headers: HTTPHeaders = [:],
        body: Body = .none
    ) {
        self.method = method
        self.scheme = scheme
        self.host = host
        self.port = port
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// What a service answered, whatever the status.
public struct ServiceResponse: Sendable {
    public let status: Int
    public let headers: HTTPHeaders
    public let body: ServiceResponseBody

    /// Bytes of the body; `nil` when they were not stated. For HEAD what GET would send.
    public var contentLength: Int64? {
        headers.first(name: "content-length").flatMap(Int64.init).flatMap { $0 >= 0 ? $0 : nil }
    }
}

/// The body of a service's response: what ``OutboundBody`` says holds for it.
public typealias ServiceResponseBody = OutboundBody

/// The body of a request as a stream.
///
/// What the stream throws comes out of ``ServiceClient/send(_:)`` unchanged.
public struct ServiceBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// Carries the stream's own error past those of the connection.
    struct StreamFailure: Error {
        let cause: any Error
    }

    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let nextChunk: () async throws -> ByteBuffer?

        public mutating func next() async throws -> ByteBuffer? {
            try await nextChunk()
        }
    }

    private let makeIterator: @Sendable () -> AsyncIterator

    public init<Base: AsyncSequence & Sendable>(_ base: Base) where Base.Element == ByteBuffer {
        makeIterator = {
            var iterator = base.makeAsyncIterator()
            return AsyncIterator {
                do {
                    return try await iterator.next()
                } catch {
                    throw StreamFailure(cause: error)
                }
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        makeIterator()
    }
}
