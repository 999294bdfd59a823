import MirrorCore
import MirrorEngine
import MirrorNet
import NIOSSL

extension Configuration {
    /// The policy for fetching the clouds' address lists; `nil` if none of them has a URL.
    func regionPolicy() throws(StartError) -> EgressPolicy? {
        let urls = selection.cloudRegions.all.compactMap(\.source.fetchURL)
        guard !urls.isEmpty else { return nil }
        let policy = origins.policy
        do {
            return try EgressPolicy(
                allow: urls.map { EgressPolicy.AllowRule.prefix($0.replacingQuery(with: nil)) }, requireHTTPS: policy.requireHTTPS,
                allowAddresses: policy.addressGuard.allowed, maxRedirects: policy.maxRedirects)
        } catch {
            throw StartError("selection.cloudRegions: \(error)")
        }
    }

    /// For requests to both origins and services.
    var outbound: OutboundConfiguration {
        var outbound = OutboundConfiguration(userAgent: "cloud-mirror/\(CloudMirrorVersion.current)")
        outbound.connectTimeout = copy.connectTimeout
        outbound.idleTimeout = copy.idleTimeout
        return outbound
    }

    /// `nil` without TLS.
    func tlsContext() throws(StartError) -> NIOSSLContext? {
        guard let tls else { return nil }
        do {
            return try NIOSSLContext(configuration: tls.server)
        } catch {
            throw StartError("tls: the certificate and its key cannot be used: \(tls.certificate), \(tls.key)")
        }
    }

    /// How old the recorded last use must be before a new one is written: a twentieth of the shortest life, between a second and half a minute. That
    /// is rare enough to be cheap, and soon enough for a full pool to know what has not been used for a minute. While very many replicas are in use, it
    /// may be up to a quarter of an hour: another process may then mark a replica that was used a moment ago, which a grace of a minute makes up for.
    var useCoarseness: ClosedRange<Duration> {
        let shortest = pools.map(\.retention.timeToLive).min() ?? .seconds(86_400)
        let part = max(shortest / 20, .seconds(1))
        let least = min(part, .seconds(30))
        return least...(pools.contains { $0.retention.grace < .seconds(60) } ? least : min(part, .seconds(900)))
    }

    /// What precedes the path of a local object in its URL; `nil` if only the client knows how it reached this service.
    var locationBase: String? {
        if let publicURL { return publicURL }
        guard listen.port != 0, !["0.0.0.0", "::"].contains(listen.host) else { return nil }
        return "\(tls == nil ? "http" : "https")://\(listen)"
    }
}

extension Configuration {
    func limits(of pool: Pool) -> MirrorEngine.Pool.Limits {
        MirrorEngine.Pool.Limits(pool.retention, maxBytes: maxBytes(of: pool))
    }
}
