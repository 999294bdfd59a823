import NIOCore
import NIOEmbedded
import NIOSSL
import MirrorTesting
import TestServers
import Testing

@testable import MirrorServer

/// The whole server, from the socket to the routes and back, fed with requests that are not quite right. `make fuzz` runs these for longer.
@Suite("Requests that are not quite right", .serialized, .timeLimit(.minutes(600)))
struct RequestFuzzTests {
    enum Target: String, CaseIterable, Sendable {
        /// Whole requests, changed.
        case server
        /// Bytes in place of a handshake, or a handshake that is changed.
        case serverTLS = "server-tls"
        /// Whole requests, changed, in records that are changed behind a handshake that may be right.
        case serverTLSInside = "server-tls-inside"

        var speaksTLS: Bool { self != .server }
    }

    private static let settings = FuzzSettings.current
    private static let workers = 16

    @Test("Every connection ends, and the server still answers", arguments: settings.chosen(Target.allCases) { $0.rawValue })
    func ends(_ target: Target) async throws {
        let began = ContinuousClock.now
        let world = World()
        for path in [RequestStream.hitPath, RequestStream.otherHitPath] { try await world.seed(path) }
        let certificates = try await Certificates()
        let options = try MirrorOptions.with {
            $0.idleTimeout = .seconds(5)
            guard target.speaksTLS else { return }
            $0.tls = .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.key, format: .pem)))
        }
        let budget = Self.settings.budget(usual: target == .server ? 3_000 : 500)
        let hello = try Self.clientHello()
        try await MirrorFixture.run(world, options) { mirror in
            // Answers to wrong tokens are withheld by the mirror's clock, which stands still by itself.
            let time = Task {
                while !Task.isCancelled {
                    world.clock.advance(by: .seconds(1))
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            defer { time.cancel() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<Self.workers {
                    group.addTask {
                        var mutator = RequestMutator(
                            seed: Self.settings.seed &* 1_000 &+ UInt64(worker),
                            bases: target == .serverTLS ? [hello] : RequestMutator.everyRoute)
                        var mangling = SeededGenerator(seed: Self.settings.seed &+ UInt64(worker))
                        while budget.take() {
                            let seed = target == .serverTLSInside ? mangling.next() : nil
                            try await Self.send(mutator.stream(0), to: mirror.port, mangling: seed)
                        }
                    }
                }
                try await group.waitForAll()
            }
            if target == .server {
                let answer = try await mirror.get(RequestStream.hit)
                #expect(answer.status == 302)
                #expect(answer["X-Cloud-Mirror-Outcome"] == "hit")
            }
        }
        if Self.settings.isAskedFor {
            print("\(target.rawValue): \(budget.count) inputs, seed \(Self.settings.seed), \(began.duration(to: .now))")
        }
    }

    /// - Parameter mangling: With TLS, and something damaged below it; `nil` sends the bytes as they are.
    private static func send(_ stream: RequestStream, to port: Int, mangling seed: UInt64?) async throws {
        let connection = try await RawConnection.open(port: port, isTLS: seed != nil, mangling: seed)
        for segment in stream.segments { await connection.send(segment) }
        await connection.finishSending()
        // To the end: whoever never hangs up is closed for being idle, and who does not even do that runs into the time limit.
        let rest = try await connection.rest().bytes
        #expect(
            rest.isEmpty || rest.starts(with: "HTTP/1.".utf8) || rest[0] == 0x15 || rest[0] == 0x16,
            "\(rest.shown) to \(stream.bytes.shown)")
        await connection.close()
    }

    /// The first bytes of a client that speaks TLS.
    private static func clientHello() throws -> [UInt8] {
        let context = try NIOSSLContext(configuration: .makeClientConfiguration())
        let client = EmbeddedChannel(handler: try NIOSSLClientHandler(context: context, serverHostname: "localhost"))
        try client.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        var bytes: [UInt8] = []
        while let buffer = try client.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        _ = try? client.finish(acceptAlreadyClosed: true)
        return bytes
    }
}

extension RequestMutator {
    /// A request for every route, beside those for artifacts.
    static let everyRoute: [[UInt8]] =
        bases
        + [
            RequestStream.request("GET", "/"), RequestStream.request("GET", "/", "Accept: text/html\r\n"),
            RequestStream.request("GET", "/v1/go?url=https%3A%2F%2Fartifacts.example.org%2Fa&show=link"),
            RequestStream.request("GET", "/readyz"), RequestStream.request("GET", "/metrics"),
            RequestStream.request("GET", "/v1/openapi.yaml"),
            RequestStream.request("GET", RequestStream.miss + "?wait=0&hop=3&missing=1"),
            RequestStream.request("GET", World.target("/b.whl", route: "/v1/redirect/") + "?pool=local/dev"),
            admin("GET", "/v1/replicas?pool=local/dev&state=present&limit=2"), admin("GET", "/v1/pools"), admin("GET", "/v1/stats"),
            admin("GET", World.target("/b.whl", route: "/v1/replicas/")), admin("DELETE", World.target("/gone", route: "/v1/purge/")),
            admin("POST", "/v1/warm", body: #"{"urls":["https://artifacts.example.org/w"],"pools":["local/dev"]}"#),
            RequestStream.request(
                "GET", "/local/dev/\(String(repeating: "0a", count: 32))/a.bin",
                "Range: bytes=0-1\r\nIf-None-Match: \"a\"\r\nIf-Range: \"b\"\r\n"),
        ].map { Array($0.utf8) }

    private static func admin(_ method: String, _ target: String, body: String? = nil) -> String {
        let length = body.map { "Content-Type: application/json\r\nContent-Length: \($0.utf8.count)\r\n" } ?? ""
        return RequestStream.request(method, target, "Authorization: Bearer \(MirrorFixture.token)\r\n\(length)") + (body ?? "")
    }
}
