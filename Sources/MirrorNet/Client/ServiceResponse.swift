public import NIOHTTP1

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
