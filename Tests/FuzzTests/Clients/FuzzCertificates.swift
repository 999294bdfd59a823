import NIOCore
import NIOEmbedded
import NIOSSL
import TestServers

/// What servers of fuzz tests show, and what a server's handshake looks like.
enum FuzzCertificates {
    static let shared = Task { try await Certificates() }

    static func serverContext(_ change: (inout TLSConfiguration) -> Void = { _ in }) async throws -> NIOSSLContext {
        let files = try await shared.value
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(files.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem)))
        change(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    /// What a server answers to the first bytes of a client, of each version that there is.
    static func handshakes(of context: NIOSSLContext) throws -> [[UInt8]] {
        var servers: [[UInt8]] = []
        for version in [TLSVersion.tlsv12, .tlsv13] {
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.maximumTLSVersion = version
            settings.certificateVerification = .none
            let client = EmbeddedChannel(
                handler: try NIOSSLClientHandler(context: NIOSSLContext(configuration: settings), serverHostname: "localhost"))
            let server = EmbeddedChannel(handler: NIOSSLServerHandler(context: context))
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
            for channel in [client, server] { try channel.connect(to: address).wait() }
            let hello = try bytes(from: client)
            try server.writeInbound(ByteBuffer(bytes: hello))
            servers.append(try bytes(from: server))
            for channel in [client, server] { _ = try? channel.finish(acceptAlreadyClosed: true) }
        }
        return servers
    }

    private static func bytes(from channel: EmbeddedChannel) throws -> [UInt8] {
        var all: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { all += buffer.readableBytesView }
        return all
    }
}
