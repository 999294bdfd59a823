import AsyncHTTPClient
import NIOCore
import NIOHTTP1
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

extension OutboundConfiguration {
    /// The last step before a connection may carry a request.
    func prepare(_ channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ReadIdleHandler(timeout: TimeAmount(idleTimeout)), position: .first)
            try pipeline.addHandler(RequestTargetHandler(), position: .after(pipeline.handler(type: HTTPRequestEncoder.self)))
            try channel.guardAnswers(maxHeadSize: maxResponseHeadSize)
            return (try? pipeline.handler(type: NIOSSLClientHandler.self)) == nil
        }.flatMap { isPlain in
            // TLS comes in records of 16 KiB anyway.
            guard isPlain else { return channel.eventLoop.makeSucceededVoidFuture() }
            return channel.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: receiveBufferSize))
                // One large buffer at a time: four of them, NIO's default, for each of many connections would be the most of the memory.
                .flatMap { channel.setOption(.maxMessagesPerRead, value: 1) }
        }
    }
}

extension HTTPClient {
    /// - Parameter mayRepeat: Whether to send the request once more after it failed with this error, as on a kept connection that closes in the
    ///   moment it is used again.
    func execute(_ request: HTTPClientRequest, mayRepeat: (any Error) -> Bool) async throws -> HTTPClientResponse {
        do {
            return try await execute(request, deadline: .distantFuture)
        } catch  where mayRepeat(error) {
            return try await execute(request, deadline: .distantFuture)
        }
    }
}

extension HTTPClientRequest {
    /// What the client sends with each request, unless the caller says something else.
    mutating func addDefaults(_ configuration: OutboundConfiguration) {
        for (name, value) in [("user-agent", configuration.userAgent), ("accept", "*/*"), ("accept-encoding", "identity")]
        where !headers.contains(name: name) {
            headers.add(name: name, value: value)
        }
    }
}
