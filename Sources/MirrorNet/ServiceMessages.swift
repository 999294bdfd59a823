package import MirrorCore
package import NIOCore
package import NIOHTTP1

/// A request to a service that the operator configured.
package struct ServiceRequest: Sendable {
    package enum Body: Sendable {
        case none
        case bytes([ByteBuffer])
        /// - Parameter length: What the stream holds, in bytes; more or less fails the request.
        case stream(ServiceBody, length: Int64)
    }

    package var method: HTTPMethod
    package var scheme: ArtifactURL.Scheme
    /// A name or an address; IPv6 without brackets.
    package var host: String
    package var port: Int
    /// Path and query exactly as they go onto the wire, percent-encoded; begins with `/`.
    package var target: String
    /// `Host` and `Content-Length` are set by the client, `User-Agent`, `Accept` and `Accept-Encoding` unless they are here.
    package var headers: HTTPHeaders
    package var body: Body

    package init(
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
package struct ServiceResponse: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: ServiceResponseBody

    /// Bytes of the body; `nil` when they were not stated. For HEAD what GET would send.
    package var contentLength: Int64? {
        headers.first(name: "content-length").flatMap(Int64.init).flatMap { $0 >= 0 ? $0 : nil }
    }
}

/// The body of a service's response: what ``OutboundBody`` says holds for it.
package typealias ServiceResponseBody = OutboundBody

/// The body of a request as a stream.
///
/// What the stream throws comes out of ``ServiceClient/send(_:)`` unchanged.
package struct ServiceBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    /// Carries the stream's own error past those of the connection.
    struct StreamFailure: Error {
        let cause: any Error
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let nextChunk: () async throws -> ByteBuffer?

        package mutating func next() async throws -> ByteBuffer? {
            try await nextChunk()
        }
    }

    private let makeIterator: @Sendable () -> AsyncIterator

    package init<Base: AsyncSequence & Sendable>(_ base: Base) where Base.Element == ByteBuffer {
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

    package func makeAsyncIterator() -> AsyncIterator {
        makeIterator()
    }
}
