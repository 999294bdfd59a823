public import NIOHTTP1

/// A service's answer, whatever its status.
public struct ServiceResponse: Sendable {
    /// The HTTP status; interim responses are not shown.
    public let status: Int
    /// As they arrived.
    public let headers: HTTPHeaders
    /// Read it to its end, or drop it with its connection: see ``ServiceClient/discard(_:)``.
    public let body: ServiceResponseBody

    /// The length of the body in bytes; `nil` if it was not stated. For HEAD the length that GET would send.
    public var contentLength: Int64? {
        headers.first(name: "content-length").flatMap(Int64.init).flatMap { $0 >= 0 ? $0 : nil }
    }
}

/// The body of a service's response: see ``OutboundBody``.
public typealias ServiceResponseBody = OutboundBody
