import Logging
import MirrorCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import MirrorNet

/// Both kinds of client, and a server for them.
struct BothClients: Sendable {
    enum Asker: CaseIterable, Sendable {
        case origins, services
    }

    let server: RawServer
    private let outbound: GuardedClient
    private let service: ServiceClient

    static func run(
        idleTimeout: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation, _ body: (BothClients) async throws -> Void
    ) async throws {
        try await RawServer.run { server async throws in
            let configuration = OutboundConfiguration.testing { $0.idleTimeout = idleTimeout }
            let policy = try EgressPolicy(
                allow: [.prefix(try server.url("/"))], requireHTTPS: false, allowAddresses: ["127.0.0.0/8"].compactMap(IPNetwork.init))
            let service = ServiceClient(
                configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            let clients = BothClients(server: server, outbound: makeClient(policy, StaticResolver([:]), configuration), service: service)
            let result: Result<Void, any Error>
            do { result = .success(try await body(clients)) } catch { result = .failure(error) }
            await clients.outbound.shutdown()
            await service.shutdown()
            try result.get()
        }
    }

    /// - Returns: The status and the body.
    func get(_ target: String, by asker: Asker, isHead: Bool = false) async throws -> (status: Int, body: [UInt8]) {
        switch asker {
        case .origins:
            let response = try await outbound.send(OutboundRequest(isHead ? .head : .get, try server.url(target)))
            return (response.status, try await response.body.bytes())
        case .services:
            let response = try await service.send(
                ServiceRequest(method: isHead ? .HEAD : .GET, scheme: .http, host: "127.0.0.1", port: server.port, target: target))
            return (response.status, try await response.body.bytes())
        }
    }

    /// The code of the error that a GET ends with; `nil` for none.
    func failure(_ target: String, by asker: Asker) async throws -> OutboundError.Code? {
        do {
            _ = try await get(target, by: asker)
            return nil
        } catch let error as OutboundError {
            return error.code
        }
    }
}

@Suite("What outbound clients take for an answer", .timeLimit(.minutes(5)))
struct AnswerGuardTests {
    private static let asked = BothClients.Asker.allCases
    private static let rest = "Content-Length: 2\r\n\r\nok"

    @Test("A status below 100 is no answer", arguments: asked)
    func lowStatus(asker: BothClients.Asker) async throws {
        let rests = ["Content-Length: 0\r\n\r\n", Self.rest, "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n"]
        try await BothClients.run { clients async throws in
            for status in 0..<100 {
                let digits = String("00\(status)".suffix(3))
                let rest = rests[status % rests.count]
                clients.server.on("/\(digits)", .init("HTTP/1.1 \(digits) OK\r\n\(rest)"))
                #expect(try await clients.failure("/\(digits)", by: asker) == .protocolError, "\(digits) \(rest)")
            }
        }
    }

    @Test(
        "An answer behind interim ones is read; interim ones without end, another protocol, and answers out of turn are none",
        arguments: asked)
    func interim(asker: BothClients.Asker) async throws {
        let good = "HTTP/1.1 200 OK\r\n\(Self.rest)"
        func early(_ count: Int, _ status: String = "100 Continue", _ fields: String = "") -> String {
            String(repeating: "HTTP/1.1 \(status)\r\n\(fields)\r\n", count: count)
        }
        let cases: [(text: String, body: String?)] = [
            (early(1) + good, "ok"), (early(16, "103 Early Hints", "Link: </a>; rel=preload\r\n") + good, "ok"),
            (early(3, "102 Processing") + good, "ok"),
            (early(17) + good, nil), (early(10_000), nil), (early(1, "101 Switching Protocols", "Upgrade: h2c\r\n") + good, nil),
            (early(1, "101 Switching Protocols", "Connection: upgrade\r\nUpgrade: h2c\r\n") + "PRI * HTTP/2.0", nil),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", nil),
            (early(1), nil), ("", nil), ("hello", nil), ("HTTP/0.9 200 OK\r\n\r\nhello", nil), ("HTTP/2.0 200 OK\r\n\r\nhello", nil),
        ]
        try await BothClients.run { clients async throws in
            for (number, item) in cases.enumerated() {
                clients.server.on("/\(number)", .init(item.text))
                if let body = item.body {
                    let answer = try await clients.get("/\(number)", by: asker)
                    #expect(answer.status == 200)
                    #expect(answer.body == Array(body.utf8))
                } else {
                    let failure = try await clients.failure("/\(number)", by: asker)
                    #expect(failure == .protocolError || failure == .truncated, "\(item.text.prefix(60)): \(String(describing: failure))")
                }
            }
        }
    }

    @Test(
        "What comes behind an answer is not the next request's", arguments: asked,
        ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "evil", "HTTP/1.1 100 Continue\r\n\r\n"])
    func behind(asker: BothClients.Asker, text: String) async throws {
        try await BothClients.run { clients async throws in
            clients.server.on("/first", .init("HTTP/1.1 200 OK\r\n\(Self.rest)\(text)", keepsConnection: true))
            clients.server.on("/second", .init("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond", keepsConnection: true))
            // The first may fail for what comes behind it; the second is never given that.
            _ = try? await clients.get("/first", by: asker)
            #expect(try await clients.get("/second", by: asker).body == Array("second".utf8))
        }
    }

    @Test(
        "A body in a coding that nobody asked for is not read",
        arguments: [
            "gzip, chunked", "gzip,chunked", "deflate, chunked", "x-gzip, chunked", "compress, chunked", "br, chunked", "gzip", "identity",
            "chunked, gzip", "chunked, chunked", "gzip, deflate, chunked", "GZIP, Chunked", "gzip;q=1, chunked", "chunked;a=b", "xchunked",
            "chunkedx", "\"chunked\"",
            "gzip\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: gzip", "chunked\r\nTransfer-Encoding: chunked",
            "gzip, chunked\r\nContent-Length: 15", "identity\r\nContent-Length: 15", "\u{e9}, chunked",
        ])
    func codings(coding: String) async throws {
        try await BothClients.run { clients async throws in
            clients.server.on("/a", .init("HTTP/1.1 200 OK\r\nTransfer-Encoding: \(coding)\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
            for asker in Self.asked { #expect(try await clients.failure("/a", by: asker) == .protocolError, "\(coding)") }
        }
    }

    @Test("Chunks are read, however the coding is written", arguments: ["chunked", "Chunked", "CHUNKED", " chunked ", "\tchunked"])
    func chunked(coding: String) async throws {
        try await BothClients.run { clients async throws in
            clients.server.on("/a", .init("HTTP/1.1 200 OK\r\nTransfer-Encoding:\(coding)\r\n\r\n5\r\nhello\r\n0\r\n\r\n"))
            for asker in Self.asked { #expect(try await clients.get("/a", by: asker).body == Array("hello".utf8), "\(coding)") }
        }
    }
}
