package import MirrorCore
package import NIOHTTP1

/// An origin's answer, whatever its status; redirects have been followed.
package struct OutboundResponse: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: OutboundBody
    /// The URL that answered.
    package let url: ArtifactURL
    /// The redirect chain, from the requested URL to the one that answered.
    package let addresses: [ArtifactURL]
    /// The header fields of the redirects that led there, in order.
    package let redirects: [HTTPHeaders]
    /// An HTTP/1.0 server cannot be trusted with ranges, and the end of its connection may be the end of its body.
    package let isHTTP1_0: Bool

    /// The length of the body in bytes; `nil` if it was not stated. For HEAD the length that GET would send.
    package var contentLength: Int64? {
        headers.first(name: "content-length").flatMap(Int64.init).flatMap { $0 >= 0 ? $0 : nil }
    }
}
