public import NIOHTTP1

/// What a service answered, whatever the status.
public struct ServiceResponse: Sendable {
    /// The HTTP status; interim responses are not shown.
    public let status: Int
    /// As they arrived.
    public let headers: HTTPHeaders
    /// To be read to its end, or dropped with its connection: see ``ServiceClient/discard(_:)``.
    public let body: ServiceResponseBody

    /// Bytes of the body; `nil` when they were not stated. For HEAD what GET would send.
    public var contentLength: Int64? {
        headers.first(name: "content-length").flatMap(Int64.init).flatMap { $0 >= 0 ? $0 : nil }
    }
}

/// The body of a service's response: what ``OutboundBody`` says holds for it.
public typealias ServiceResponseBody = OutboundBody
