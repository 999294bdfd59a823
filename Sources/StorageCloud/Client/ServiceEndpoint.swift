package import MirrorCore
package import MirrorNet
import NIOHTTP1

/// Where a service is reached.
package protocol ServiceEndpoint: Sendable, Hashable {
    var scheme: ArtifactURL.Scheme { get }
    /// A name or an address; IPv6 without brackets.
    var host: String { get }
    var port: Int { get }
    /// `https://s3.example.org:9000`
    var url: String { get }
}

extension ServiceEndpoint {
    package var url: String { "\(scheme.rawValue)://\(authority)" }

    /// As in a `Host` field.
    package var authority: String { authority(of: host) }

    /// The authority of another host with the same scheme and port.
    package func authority(of host: String) -> String {
        let host = host.contains(":") ? "[\(host)]" : host
        return port == scheme.defaultPort ? host : "\(host):\(port)"
    }
}

extension SignableRequest {
    /// As it is sent.
    ///
    /// - Parameters:
    ///   - host: The host to connect to, if it is not the endpoint's own.
    ///   - target: Replaces ``target``.
    package func sent(
        to endpoint: some ServiceEndpoint, host: String? = nil, target: String? = nil, body: ServiceRequest.Body, isDeletion: Bool
    ) -> ServiceRequest {
        var headers = HTTPHeaders(headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: self.host)
        return ServiceRequest(
            method: HTTPMethod(rawValue: method), scheme: endpoint.scheme, host: host ?? endpoint.host, port: endpoint.port,
            target: target ?? self.target, headers: headers, body: body, isDeletion: isDeletion)
    }
}
