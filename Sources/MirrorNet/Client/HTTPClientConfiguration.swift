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
            // Higher than our own limit, so that no request waits within the client, where waiting is limited by the connect timeout.
            connectionPool: .init(
                idleTimeout: TimeAmount(configuration.keepAlive),
                concurrentHTTP1ConnectionsPerHostSoftLimit: 2 * max(1, configuration.connectionsPerOrigin)),
            proxy: nil,
            decompression: .disabled)
        httpVersion = .http1Only
        // Callers retry in their own way, perhaps at another address.
        connectionPool.retryConnectionEstablishment = false
        // Trace headers must not be sent to other people's servers.
        tracing.tracer = nil
    }
}

extension OutboundConfiguration {
    /// Small until reads fill them: a connection keeps one for as long as it is open, and most answers to uploads are less than 1 KiB.
    private var receiveBuffers: AdaptiveRecvByteBufferAllocator {
        let first = min(64 << 10, receiveBufferSize)
        return AdaptiveRecvByteBufferAllocator(minimum: min(16 << 10, first), initial: first, maximum: receiveBufferSize)
    }

    /// Prepares a new connection, before it carries its first request.
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
            return channel.setOption(.recvAllocator, value: receiveBuffers)
                // One large buffer at a time. NIO's default of four, for each of many connections, would take most of the memory.
                .flatMap { channel.setOption(.maxMessagesPerRead, value: 1) }
        }
    }
}

extension HTTPClient {
    /// - Parameter mayRepeat: Whether to send the request once more after it failed with this error, such as on a kept connection that closes just as
    ///   it is used again.
    func execute(_ request: HTTPClientRequest, mayRepeat: (any Error) -> Bool) async throws -> HTTPClientResponse {
        do {
            return try await execute(request, deadline: .distantFuture)
        } catch  where mayRepeat(error) {
            return try await execute(request, deadline: .distantFuture)
        }
    }
}

extension HTTPClientRequest {
    /// Adds the fields that are sent with each request, unless the caller has set them.
    mutating func addDefaults(_ configuration: OutboundConfiguration) {
        for (name, value) in [("user-agent", configuration.userAgent), ("accept", "*/*"), ("accept-encoding", "identity")]
        where !headers.contains(name: name) {
            headers.add(name: name, value: value)
        }
    }
}
