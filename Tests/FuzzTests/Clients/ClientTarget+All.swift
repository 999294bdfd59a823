import AsyncHTTPClient
import Logging
import MirrorCore
import NIOCore
import NIOHTTP1
import NIOPosix
import TestServers

@testable import CloudMirror
@testable import MirrorNet

extension ClientTarget {
    static let all: [ClientTarget] = http + services

    private static let http: [ClientTarget] = [
        ClientTarget(
            name: "origin-client", server: .plain, corpus: "answers", seeds: answers, words: answerWords, usual: 3_000,
            withClient: { ports, body in try await OriginFuzz.run(ports, .http, nil, body) }, socketless: OriginFuzz.socketless),
        ClientTarget(
            name: "service-client", server: .plain, corpus: "answers", seeds: answers, words: answerWords, usual: 3_000,
            withClient: { _, body in try await ServiceFuzz.run(body) }, socketless: ServiceFuzz.socketless),
        ClientTarget(
            name: "command-client", server: .plain, corpus: "answers", seeds: answers, words: answerWords, usual: 3_000,
            withClient: { _, body in
                try await HTTPTransport.withClient(readTimeout: 1) { try await body(CommandFuzz(transport: $0)) }
            }, socketless: CommandFuzz.socketless),
        ClientTarget(
            name: "origin-client-tls", server: .overTLS, corpus: "answers", seeds: answers, words: answerWords, usual: 300,
            withClient: { ports, body in try await OriginFuzz.run(ports, .https, try await FuzzCertificates.shared.value.authority, body) }),
        ClientTarget(
            name: "tls-inside", server: .mangledTLS, corpus: "answers", seeds: answers, words: answerWords, usual: 300,
            withClient: { ports, body in try await OriginFuzz.run(ports, .https, try await FuzzCertificates.shared.value.authority, body) }),
        ClientTarget(
            name: "tls-records", server: .rawTLS, corpus: "tls-records", seeds: [],
            words: [[0x16, 3, 3], [0x15, 3, 3, 0, 2], [0x17, 3, 3], [0xFF, 0xFF]],
            usual: 300, withClient: { ports, body in try await OriginFuzz.run(ports, .https, nil, body) }),
    ]

    /// The library's client as it is, which nobody here uses.
    static let unguarded = ClientTarget(
        name: "unguarded", server: .plain, corpus: "answers", seeds: answers, words: answerWords, usual: 10,
        withClient: { _, body in
            var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
            configuration.httpVersion = .http1Only
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            try await body(UnguardedFuzz(client: client))
            try await client.shutdown()
        })

    static let silent = Logger(label: "fuzz", factory: { _ in SwiftLogNoOpLogHandler() })

    private static func configuration(_ authority: String?) -> OutboundConfiguration {
        var configuration = OutboundConfiguration(userAgent: "cloud-mirror/fuzz")
        configuration.idleTimeout = .milliseconds(200)
        configuration.certificateAuthorities = authority
        return configuration
    }

    /// What fetches from origins.
    private struct OriginFuzz: FuzzedClient {
        let scheme: ArtifactURL.Scheme
        let client: GuardedClient

        private struct Resolver: HostResolver {
            func addresses(of name: String) async throws -> [IPAddress] { ["127.0.0.1"].compactMap(IPAddress.init) }
        }

        static func run(
            _ ports: [Int], _ scheme: ArtifactURL.Scheme, _ authority: String?, _ body: (any FuzzedClient) async throws -> Void
        ) async throws {
            let client = GuardedClient(
                policy: try EgressPolicy(
                    allow: ports.map { .prefix(try ArtifactURL("\(scheme.rawValue)://origin.example:\($0)/")) }, requireHTTPS: false,
                    allowAddresses: ["127.0.0.0/8"].compactMap(IPNetwork.init)),
                configuration: configuration(authority), resolver: Resolver(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: silent)
            let result: Result<Void, any Error>
            do { result = .success(try await body(OriginFuzz(scheme: scheme, client: client))) } catch { result = .failure(error) }
            await client.shutdown()
            try result.get()
        }

        @Sendable static func socketless() throws -> SocketlessClient {
            let clients = PinnedClients(configuration: configuration(nil), eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            guard let address = IPAddress("127.0.0.1") else { throw Contradiction(message: "no address") }
            let url = try ArtifactURL("http://origin.example/a.bin")
            let pin = PinnedClients.Pin(scheme: .http, host: url.host, address: address)
            return SocketlessClient(configuration: clients.makeConfiguration(for: pin)) { exchange, execute in
                let isHead = exchange.method == .head
                var request = HTTPClientRequest(url: "http://origin.example/")
                request.method = isHead ? .HEAD : .GET
                request.headers.add(name: RequestTargetHandler.fieldName, value: url.path)
                try await expectingOutboundErrors {
                    let hop: GuardedClient.Hop
                    do {
                        hop = try await GuardedClient.hop(
                            from: try await execute(request), to: isHead ? .head : .get, url: url, holding: [])
                    } catch {
                        throw OutboundError.mapping(error, of: url, during: .head)
                    }
                    try require((200..<1_000).contains(hop.status), "the status \(hop.status)")
                    for try await _ in hop.body {}
                }
            }
        }

        func ask(port: Int, _ exchange: Exchange) async throws {
            let url = try ArtifactURL("\(scheme.rawValue)://origin.example:\(port)/a.bin")
            try await expectingOutboundErrors {
                let response = try await client.send(OutboundRequest(exchange.method == .head ? .head : .get, url))
                try require((200..<1_000).contains(response.status), "the status \(response.status)")
                for try await _ in response.body {}
            }
        }
    }

    /// What talks to object storage, and to services that give credentials.
    struct ServiceFuzz: FuzzedClient {
        let client: ServiceClient

        static func run(_ body: (any FuzzedClient) async throws -> Void) async throws {
            try await withHTTP { try await body(ServiceFuzz(client: $0)) }
        }

        static func withHTTP(_ body: (ServiceClient) async throws -> Void) async throws {
            let client = ServiceClient(
                configuration: configuration(nil), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: silent)
            let result: Result<Void, any Error>
            do { result = .success(try await body(client)) } catch { result = .failure(error) }
            await client.shutdown()
            try result.get()
        }

        /// Bodies that are streams are sent by a task that has threads of its own; the bytes of one stand for them.
        @Sendable static func socketless() throws -> SocketlessClient {
            let client = ServiceClient(
                configuration: configuration(nil), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: silent)
            let url = try ArtifactURL("http://127.0.0.1/")
            return SocketlessClient(configuration: ServiceClient.clientConfiguration(configuration(nil))) { exchange, execute in
                let request = request(exchange.method == .stream ? .put : exchange.method, port: 80)
                let prepared = try client.prepare(request, url)
                try await expectingOutboundErrors {
                    let response: ServiceResponse
                    do {
                        let slot = try await RequestSlots(limit: 1).slot(for: "")
                        response = try await client.finish(try await execute(prepared), to: request, url: url, slot: slot)
                    } catch {
                        throw OutboundError.mapping(error, of: url, during: .head)
                    }
                    try require((200..<1_000).contains(response.status), "the status \(response.status)")
                    for try await _ in response.body {}
                }
            }
        }

        private static func request(_ method: Exchange.Method, port: Int) -> ServiceRequest {
            ServiceRequest(
                method: method == .head ? .HEAD : method == .get ? .GET : .PUT, scheme: .http, host: "127.0.0.1", port: port,
                target: "/bucket/key", body: body(method))
        }

        func ask(port: Int, _ exchange: Exchange) async throws {
            let request = Self.request(exchange.method, port: port)
            try await expectingOutboundErrors {
                let response = try await client.send(request)
                try require((200..<1_000).contains(response.status), "the status \(response.status)")
                for try await _ in response.body {}
            }
        }

        private static let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 8 << 10)

        private static func body(_ method: Exchange.Method) -> ServiceRequest.Body {
            switch method {
            case .get, .head: .none
            case .put: .bytes([piece])
            case .stream:
                .stream(
                    ServiceBody(
                        AsyncStream(ByteBuffer.self) { pieces in
                            for _ in 0..<8 { pieces.yield(piece) }
                            pieces.finish()
                        }), length: Int64(8 * piece.readableBytes))
            }
        }
    }

    /// What the commands ask a mirror and an origin with.
    private struct CommandFuzz: FuzzedClient {
        let transport: HTTPTransport

        @Sendable static func socketless() -> SocketlessClient {
            SocketlessClient(configuration: HTTPTransport.configuration(readTimeout: 1)) { exchange, execute in
                var request = HTTPClientRequest(url: "http://127.0.0.1/a.bin")
                switch exchange.method {
                case .get: break
                case .head: request.method = .HEAD
                case .put, .stream:
                    request.method = .POST
                    request.body = .bytes(ByteBuffer(repeating: 1, count: 8 << 10))
                }
                let response = try await execute(request)
                try require((200..<1_000).contains(response.status.code), "the status \(response.status)")
                _ = await HTTPTransport.body(of: response, limit: 1 << 20)
            }
        }

        func ask(port: Int, _ exchange: Exchange) async throws {
            let url = "http://127.0.0.1:\(port)/a.bin"
            let response: HTTPClientResponse
            switch exchange.method {
            case .get: response = try await transport.get(url, headers: [], timeout: 2)
            case .head: response = try await transport.send(.HEAD, url, timeout: 2)
            case .put, .stream: response = try await transport.send(.POST, url, body: Array(repeating: 1, count: 8 << 10), timeout: 2)
            }
            try require((200..<1_000).contains(response.status.code), "the status \(response.status.code)")
            _ = await HTTPTransport.body(of: response, limit: 1 << 20)
        }
    }

    private struct UnguardedFuzz: FuzzedClient {
        let client: HTTPClient

        func ask(port: Int, _ exchange: Exchange) async throws {
            let response = try await client.execute(HTTPClientRequest(url: "http://127.0.0.1:\(port)/a.bin"), timeout: .seconds(2))
            for try await _ in response.body {}
        }
    }

    /// Callers branch on the code of an ``OutboundError``; nothing else may come out.
    private static func expectingOutboundErrors(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            try require(error is OutboundError || error is Contradiction, "an error of the kind \(type(of: error)): \(error)")
            throw error
        }
    }
}
