package import MirrorCore

/// A request for an artifact or for what is known of it.
package struct OutboundRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
    }

    package var method: Method
    package var url: ArtifactURL
    /// Beside `Host`, `User-Agent`, `Accept` and `Accept-Encoding`, which are set unless they are here.
    package var headers: [(name: String, value: String)]

    package init(_ method: Method = .get, _ url: ArtifactURL, headers: [(name: String, value: String)] = []) {
        self.method = method
        self.url = url
        self.headers = headers
    }
}
