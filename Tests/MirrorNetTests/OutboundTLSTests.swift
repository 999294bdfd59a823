import Foundation
import MirrorCore
import MirrorTesting
import Testing

@testable import MirrorNet

/// A connection to a checked address must still be a connection to the name: SNI, certificate and `Host`.
@Suite(.timeLimit(.minutes(1))) struct OutboundTLSTests {
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
        let directory = FileManager.default.temporaryDirectory.appending(path: "mirror-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        for name in ["origin", "other"] {
            let request = openSSL(
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=DNS:\(name).example", "-keyout", "\(name).key", "-out", "\(name).pem",
                ], in: directory)
            let ends = try start(request)
            for await _ in ends {}
            try #require(request.terminationStatus == 0)
        }
        let server = openSSL(
            [
                "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", "other.pem", "-key", "other.key", "-servername", "origin.example",
                "-cert2",
                "origin.pem", "-key2", "origin.key",
            ], in: directory)
        let output = Pipe()
        server.standardOutput = output
        let chunks = AsyncStream<Data> { continuation in
            output.fileHandleForReading.readabilityHandler = { handle in
                let data = handle.availableData
                if data.isEmpty { continuation.finish() } else { continuation.yield(data) }
            }
        }
        let ends = try start(server)
        do {
            // It says `ACCEPT 127.0.0.1:port` once it listens.
            var said = ""
            for await chunk in chunks {
                said += String(decoding: chunk, as: UTF8.self)
                if said.contains(#/127\.0\.0\.1:\d+\n/#) { break }
            }
            let port = try #require(
                said.firstMatch(of: #/127\.0\.0\.1:(\d+)\n/#).flatMap { Int($0.output.1) }, "openssl s_server said \(said)")
            let result = try await body(TLSOrigin(port: port, certificate: directory.appending(path: "origin.pem").path()))
            await stop(server, ends, output)
            return result
        } catch {
            await stop(server, ends, output)
            throw error
        }
    }

    /// - Returns: A stream that finishes when the process has ended.
    private static func start(_ process: Process) throws -> AsyncStream<Void> {
        let (ends, continuation) = AsyncStream.makeStream(of: Void.self)
        process.terminationHandler = { _ in continuation.finish() }
        try process.run()
        return ends
    }

    private static func stop(_ process: Process, _ ends: AsyncStream<Void>, _ output: Pipe) async {
        output.fileHandleForReading.readabilityHandler = nil
        // Milder signals are blocked: a child inherits the mask of the thread that starts it.
        kill(process.processIdentifier, SIGKILL)
        for await _ in ends {}
    }

    private static func openSSL(_ arguments: [String], in directory: URL) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
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
