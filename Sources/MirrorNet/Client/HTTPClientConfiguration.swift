import AsyncHTTPClient
import NIOCore
package import NIOSSL

extension TLSConfiguration {
    /// TLS 1.2 or later, as everywhere: RFC 8996 deprecates earlier versions.
    package static var outbound: TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        return tls
    }
}

extension HTTPClient.Configuration {
    /// The settings that all outbound requests share: no redirects, no proxy, no decompression, HTTP/1.1.
    init(_ configuration: OutboundConfiguration) {
        var tls = TLSConfiguration.outbound
        if let path = configuration.certificateAuthorities { tls.additionalTrustRoots = [.file(path)] }
        self.init(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(configuration.connectTimeout)),
            // Its limit is above ours, so that nobody waits within the client, where waiting is limited by the connect timeout.
            connectionPool: .init(
                idleTimeout: TimeAmount(configuration.keepAlive),
                concurrentHTTP1ConnectionsPerHostSoftLimit: 2 * max(1, configuration.connectionsPerOrigin)),
            proxy: nil,
            decompression: .disabled)
        httpVersion = .http1Only
        // Who calls tries again in its own way, perhaps at another address.
        connectionPool.retryConnectionEstablishment = false
        // Our traces are no business of other people's servers.
        tracing.tracer = nil
    }
}
