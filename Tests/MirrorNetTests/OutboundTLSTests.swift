import AsyncHTTPClient
import MirrorCore
import NIOSSL
import TestServers
import Testing

@testable import MirrorNet

/// A connection to a checked address must still be a connection to the name: SNI, certificate and `Host`.
@Suite(.timeLimit(.minutes(5))) struct OutboundTLSTests {
    @Test func theCertificateIsTheNamesAndNotTheAddresss() async throws {
        try await TLSOrigin.run { origin async throws in
            // Without SNI the server shows the other certificate.
            let error = try await origin.failure("origin.example", trusting: origin.certificate)
            #expect(error == nil)
        }
    }

    @Test func anotherNameOnTheSameAddressIsNotAccepted() async throws {
        try await TLSOrigin.run { origin async throws in
            #expect(try await origin.failure("third.example", trusting: origin.certificate) == .tlsFailed)
            #expect(try await origin.failure("127.0.0.1", trusting: origin.certificate) == .tlsFailed)
        }
    }

    @Test func aCertificateThatNobodyVouchesForIsNotAccepted() async throws {
        try await TLSOrigin.run { origin async throws in
            #expect(try await origin.failure("origin.example", trusting: nil) == .tlsFailed)
        }
    }

    @Test func whatCameBeforeTLS12IsNotSpoken() throws {
        #expect(HTTPClient.Configuration(OutboundConfiguration()).tlsConfiguration?.minimumTLSVersion == .tlsv12)
        #expect(TLSConfiguration.outbound.minimumTLSVersion == .tlsv12)
    }

    @Test func aServerWithoutTLSIsNotAccepted() async throws {
        try await FakeOrigin.run { origin async throws in
            let url = try ArtifactURL("https://127.0.0.1:\(origin.port)/")
            let policy = try EgressPolicy(allow: [.prefix(url)], allowAddresses: [try #require(IPNetwork("127.0.0.0/8"))])
            try await withClient(policy, StaticResolver([:])) { client async throws in
                let error = await #expect(throws: OutboundError.self) { try await client.send(OutboundRequest(.get, url)) }
                #expect(error?.code == .tlsFailed)
            }
        }
    }
}

/// `openssl s_server` with a certificate for `origin.example`, shown to who asks for that name, and one for `other.example` for all others.
struct TLSOrigin {
    let port: Int
    /// The file of the certificate, which is its own authority.
    let certificate: String

    static func run<Result>(isolation: isolated (any Actor)? = #isolation, _ body: (TLSOrigin) async throws -> Result) async throws
        -> Result
    {
        let directory = try TemporaryDirectory()
        func file(_ name: String) -> String { "\(directory.path)/\(name)" }
        for name in ["origin", "other"] {
            try await ChildProcess.run(
                "openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=DNS:\(name).example", "-keyout", file("\(name).key"), "-out", file("\(name).pem"),
                ])
        }
        let server = try await ChildProcess.start(
            "openssl",
            [
                "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", file("other.pem"), "-key", file("other.key"), "-servername",
                "origin.example", "-cert2", file("origin.pem"), "-key2", file("origin.key"),
            ])
        // It says `ACCEPT 127.0.0.1:port` once it listens.
        let line = try await server.line { $0.hasPrefix("ACCEPT 127.0.0.1:") }
        let port = try #require(line.split(separator: ":").last.flatMap { Int($0) }, "openssl s_server said \(line)")
        let result = try await body(TLSOrigin(port: port, certificate: file("origin.pem")))
        server.send(.kill)
        return result
    }

    /// Asks for a page by a name that leads here.
    ///
    /// - Returns: The code of the error; `nil` when the page came.
    func failure(_ name: String, trusting file: String?) async throws -> OutboundError.Code? {
        let url = try ArtifactURL("https://\(name):\(port)/")
        let policy = try EgressPolicy(allow: [.prefix(url)], allowAddresses: [try #require(IPNetwork("127.0.0.0/8"))])
        return try await withClient(policy, StaticResolver([name: [["127.0.0.1"]]]), .testing { $0.certificateAuthorities = file }) {
            client async throws in
            do {
                let response = try await client.send(OutboundRequest(.get, url))
                #expect(response.status == 200)
                #expect(try await response.body.bytes().isEmpty == false)
                return nil
            } catch let error as OutboundError {
                return error.code
            }
        }
    }
}
