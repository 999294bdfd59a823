import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("Artifacts in containers that are read with credentials", .timeLimit(.minutes(5)))
struct AzureOriginTests {
    private static let bytes = Array("0123456789".utf8)

    private func run(
        credentials: GivenCredentials = GivenCredentials(), logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        script: @escaping StoreFixture.Script = { _ in nil },
        _ body: @escaping @Sendable (ScriptedServer, AzureOrigin, ArtifactURL) async throws -> Void
    ) async throws {
        let blobs = FakeBlobs()
        blobs.put("a b+c", Self.bytes, headers: [("Content-Type", "text/plain"), ("x-ms-meta-x", "y")])
        let http = ServiceClient(
            configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        let answer: ScriptedServer.Script = { request in
            let request = BlobRequest(request)
            return try script(request) ?? blobs.answer(request)
        }
        do {
            try await ScriptedServer.run(answer) { server in
                let endpoint = try StoreFixture.endpoint(at: server)
                let delegation = AzureDelegationKeys(
                    endpoint: endpoint, credentials: credentials, http: http, clock: HastyClock(), logger: logger)
                let origin = AzureOrigin(
                    container: StoreFixture.container, endpoint: endpoint, credentials: credentials, delegation: delegation, http: http,
                    clock: HastyClock(), logger: logger)
                let artifact = try #require(origin.artifact("\(endpoint.url)/test-container/a%20b%2Bc?sv=1&sig=x"))
                try await body(server, origin, artifact)
                await delegation.shutdown()
            }
            await http.shutdown()
        } catch {
            await http.shutdown()
            throw error
        }
    }

    @Test("A request is signed, and asks for the range and the version that are wanted")
    func request() async throws {
        try await run { server, origin, artifact async throws in
            #expect(artifact.query == nil)
            let range = try #require(ByteRange(offset: 2, length: 3))
            let answer = try await origin.open(artifact, range: range, ifMatch: "\"0x1\"")
            #expect(answer.status == 206)
            #expect(try await answer.body.collect(upTo: 10) == ByteBuffer(string: "234"))
            let fields = Dictionary(answer.headers.map { ($0.name.lowercased(), $0.value) }) { first, _ in first }
            #expect(fields["content-range"] == "bytes 2-4/10" && fields["content-type"] == "text/plain")
            #expect(fields["repr-digest"] == "md5=:eB5eJF1ptWaXm4bijSPyxw==:", "of the whole")
            let request = BlobRequest(try #require(server.requests.last))
            #expect(request.header("x-ms-range") == "bytes=2-4" && request.header("if-match") == "\"0x1\"")
            #expect(request.header("authorization")?.hasPrefix("SharedKey testaccount:") == true)

            let old = try #require(origin.artifact("\(artifact)?versionid=2026-01-31T12:00:00.0000000Z&sig=x"))
            #expect(try await origin.head(old).status == 200)
            let second = BlobRequest(try #require(server.requests.last))
            #expect(second.kind == .head && second.query == ["versionid": "2026-01-31T12:00:00.0000000Z"])
        }
    }

    @Test("Throttling and failures of the service are waited out, and are the answer when they last", arguments: [503, 500, 429])
    func patience(status: Int) async throws {
        let failures = Countdown(7)
        try await run(script: { _ in failures.next() ? FakeBlobs.error(status, "") : nil }) { server, origin, artifact async throws in
            #expect(try await origin.open(artifact, range: nil, ifMatch: nil).status == status)
            #expect(server.requests.count == 4)
            #expect(try await origin.open(artifact, range: nil, ifMatch: nil).status == 200)
            #expect(server.requests.count == 8)
        }
    }

    @Test(
        "What the service says of the blob is passed on at once, without what it says to us",
        arguments: [(404, "BlobNotFound"), (404, ""), (409, "BlobArchived"), (412, "ConditionNotMet"), (416, "InvalidRange")])
    func refusals(status: Int, code: String) async throws {
        try await run(script: { _ in FakeBlobs.error(status, code) }) { server, origin, artifact async throws in
            let answer = try await origin.open(artifact, range: nil, ifMatch: nil)
            #expect(answer.status == status)
            #expect(try await answer.body.collect(upTo: 0).readableBytes == 0)
            #expect(origin.source(of: artifact, answer) == nil)
            #expect(server.requests.count == 1)
        }
    }

    @Test(
        "What the service holds against the mirror is the mirror's error, not the blob's: told to the operator, by HEAD and by GET",
        arguments: [
            (403, "AuthenticationFailed"), (401, "InvalidAuthenticationInfo"), (403, "AuthorizationPermissionMismatch"),
            (403, "KeyBasedAuthenticationNotPermitted"), (403, "AuthorizationFailure"), (403, ""), (401, ""), (404, "ContainerNotFound"),
        ], [true, false])
    func credentials(_ refusal: (status: Int, code: String), _ isHead: Bool) async throws {
        let log = LogRecorder(.error)
        let script: StoreFixture.Script = { _ in FakeBlobs.error(refusal.status, refusal.code) }
        try await run(logger: log.logger, script: script) { _, origin, artifact async throws in
            for _ in 0..<3 {
                await #expect(throws: StorageError.self) {
                    if isHead {
                        _ = try await origin.head(artifact)
                    } else {
                        _ = try await origin.open(artifact, range: nil, ifMatch: nil)
                    }
                }
            }
            let lines = log.all.filter { $0.contains("an origin's bucket refuses the mirror") }
            #expect(lines.count == 1, "once a minute: \(log.all)")
            #expect(lines.first?.contains("testaccount/test-container") == true)
            #expect(lines.first?.contains(refusal.code.isEmpty ? "status \(refusal.status)" : refusal.code) == true)
        }
    }

    @Test("Without credentials, what the service says of the blob is what everybody is told", arguments: [401, 403, 409])
    func anonymousRefusal(status: Int) async throws {
        let script: StoreFixture.Script = { _ in FakeBlobs.error(status, status == 409 ? "PublicAccessNotPermitted" : "") }
        try await run(credentials: GivenCredentials([nil]), script: script) { _, origin, artifact async throws in
            #expect(try await origin.open(artifact, range: nil, ifMatch: nil).status == status)
            #expect(try await origin.head(artifact).status == status)
        }
    }

    @Test("Clients are sent to a signed URL; to the plain one where nothing is signed, or only with what they must not have")
    func locations() async throws {
        try await run { server, origin, artifact async throws in
            let location = try await origin.location(of: artifact, life: .seconds(60))
            #expect(location.url.hasPrefix("\(artifact)?sv=2023-11-03&se=") && location.url.contains("&sr=b&sp=r&sig="))
            #expect(location.expires != nil)
            #expect(origin.artifact(location.url) == artifact)
            let old = try #require(origin.artifact("\(artifact)?versionid=v1"))
            let versioned = try await origin.location(of: old, life: .seconds(60))
            #expect(versioned.url.contains("?versionid=v1&sv=") && versioned.url.contains("&sr=bv&"))
            #expect(origin.artifact(versioned.url) == old)
            #expect(server.requests.isEmpty)
        }
        for credentials in [GivenCredentials([nil]), .signature("sv=1&sig=secret")] {
            try await run(credentials: credentials) { _, origin, artifact async throws in
                #expect(try await origin.location(of: artifact, life: .seconds(60)) == ObjectLocation(url: artifact.description))
            }
        }
    }

    @Test("Credentials that the service does not take sign nothing for clients, until it takes them")
    func refusedCredentialsSignNothing() async throws {
        let refusal = WatchedState<String?>("AuthenticationFailed")
        let script: StoreFixture.Script = { _ in refusal.current.map { FakeBlobs.error(403, $0) } }
        try await run(script: script) { _, origin, artifact async throws in
            func isSigned() async throws -> Bool {
                try await origin.location(of: artifact, life: .seconds(60)).url.contains("sig=")
            }
            await #expect(throws: StorageError.self) { try await origin.head(artifact) }
            #expect(try await !isSigned())
            refusal.change { $0 = nil }
            _ = try await origin.head(artifact)
            #expect(try await isSigned())
            // A permission that is missing says nothing about signatures.
            refusal.change { $0 = "AuthorizationPermissionMismatch" }
            await #expect(throws: StorageError.self) { try await origin.head(artifact) }
            #expect(try await isSigned())
        }
    }

    @Test("An answer that is not to what was asked is not believed")
    func contradictions() async throws {
        let range = try #require(ByteRange(offset: 0, length: 4))
        let answers: [(Int, String?)] = [
            (200, nil), (200, "bytes 0-3/10"), (206, nil), (206, "bytes 0-2/10"), (206, "bytes 4-7/10"),
        ]
        for (status, stated) in answers {
            let headers = stated.map { [(name: "Content-Range", value: $0)] } ?? []
            try await run(script: { _ in .init(status: status, headers: headers, body: "0123") }) { _, origin, artifact async throws in
                try await requireStorageError(.unavailable, "\(status)") { try await origin.open(artifact, range: range, ifMatch: nil) }
                if status == 206 || stated != nil {
                    try await requireStorageError(.unavailable, "\(status)") { try await origin.open(artifact, range: nil, ifMatch: nil) }
                }
            }
        }
    }

    @Test("What a pool may copy from is what the answer states; the account stands in place of a region")
    func source() async throws {
        try await run { server, origin, artifact async throws in
            let expected = CopySource(
                service: "azure", endpoint: "\(server.url)/testaccount", region: "testaccount", bucket: "test-container", key: "a b+c",
                size: 10, etag: "\"0x1\"")
            let head = try await origin.head(artifact)
            #expect(origin.source(of: artifact, head) == expected)
            let old = try #require(origin.artifact("\(artifact)?versionid=v1"))
            #expect(origin.source(of: old, head)?.version == "v1")
            let snapshot = try #require(origin.artifact("\(artifact)?snapshot=s1"))
            #expect(origin.source(of: snapshot, head) == nil)
            let elsewhere = try ArtifactURL("https://example.org/a")
            #expect(origin.source(of: elsewhere, head) == nil)
            let unstated = BucketAnswer(status: 200, headers: [("etag", "\"e\"")], body: ByteStream(chunks: []))
            #expect(origin.source(of: artifact, unstated) == nil)
        }
    }
}
