package import MirrorCore
package import NIOCore

/// A request for an artifact or for its header fields.
package struct OutboundRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        /// Sent only once, to one address; a redirect is returned, not followed.
        case post = "POST"
    }

    package var method: Method
    package var url: ArtifactURL
    /// Additional header fields. `Host`, `User-Agent`, `Accept` and `Accept-Encoding` are set unless they are given here.
    package var headers: [(name: String, value: String)]
    /// Header fields that are sent only to the URL's own scheme, host and port: not to another origin that it redirects to, nor after a redirect back
    /// from there.
    package var credentials: [(name: String, value: String)]
    /// The body of a POST.
    package var body: ByteBuffer?

    package init(
        _ method: Method = .get, _ url: ArtifactURL, headers: [(name: String, value: String)] = [],
        credentials: [(name: String, value: String)] = []
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.credentials = credentials
    }
}
