import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("Setting up and checking a pool's container", .timeLimit(.minutes(5)))
struct AzurePoolSetupTests {
    /// A container in an account.
    private struct Container: Sendable {
        var exists = true
        /// `x-ms-blob-public-access`
        var access: String?
        /// Whether the account allows public access at all.
        var allowsPublic = true
        var policies = "<SignedIdentifiers><SignedIdentifier><Id>theirs</Id></SignedIdentifier></SignedIdentifiers>"
    }

    private typealias State = WatchedState<Container>

    private func run(
        _ container: Container, access: BucketAccess = .public, credentials: GivenCredentials = GivenCredentials(),
        keyPrefix: String = "", script: @escaping StoreFixture.Script = { _ in nil },
        _ body: @escaping @Sendable (ScriptedServer, AzurePoolSetup, State) async throws -> Void
    ) async throws {
        let state = State(container)
        let blobs = FakeBlobs()
        let http = ServiceClient(
            configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let answer: ScriptedServer.Script = { request in
            let request = BlobRequest(request)
            if let answer = try script(request) { return answer }
            return Self.answer(request, state) ?? Self.pull(request, blobs) ?? blobs.answer(request)
        }
        do {
            try await ScriptedServer.run(answer) { server in
                let configuration = AzureConfiguration(
                    container: StoreFixture.container, endpoint: try StoreFixture.endpoint(at: server),
                    reading: BucketReading(access: access, keyPrefix: keyPrefix), credentials: credentials)
                let setup = AzurePoolSetup(
                    configuration: configuration, retention: .seconds(86_400), credentialsSource: "of the test", http: http,
                    clock: HastyClock(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                try await body(server, setup, state)
            }
            await http.shutdown()
        } catch {
            await http.shutdown()
            throw error
        }
    }

    private static func answer(_ request: BlobRequest, _ state: State) -> ScriptedServer.Answer? {
        // The check looks whether the service answers at all.
        if request.uri == "/" { return .init(status: 400, headers: [("Date", SystemClock().now.httpDate)]) }
        let container = state.current
        let field = request.header("x-ms-blob-public-access")
        guard request.kind == .create || container.exists else { return FakeBlobs.error(404, "ContainerNotFound") }
        if [.create, .access].contains(request.kind), request.method == "PUT", field != nil, !container.allowsPublic {
            return FakeBlobs.error(409, "PublicAccessNotPermitted")
        }
        let held = container.access.map { [(name: "x-ms-blob-public-access", value: $0)] } ?? []
        switch (request.kind, request.method) {
        case (.properties, _): return .init(headers: held)
        case (.create, _):
            guard !container.exists else { return FakeBlobs.error(409, "ContainerAlreadyExists") }
            state.change { $0 = Container(exists: true, access: field, policies: "<SignedIdentifiers/>") }
            return .init(status: 201)
        case (.access, "GET"): return .init(headers: held, body: container.policies)
        case (.access, _):
            state.change {
                $0.access = field
                $0.policies = request.text
            }
            return ScriptedServer.Answer()
        case (.get, _):
            // Whoever has nothing reads what is public, and with a signature what is not.
            let isAllowed = request.header("authorization") != nil || container.access != nil || request.query["sig"] != nil
            return isAllowed ? nil : FakeBlobs.error(404, "ResourceNotFound")
        default: return nil
        }
    }

    /// The service reads its own blobs.
    private static func pull(_ request: BlobRequest, _ blobs: FakeBlobs) -> ScriptedServer.Answer? {
        guard [.copy, .copyBlock].contains(request.kind), let source = request.header("x-ms-copy-source"),
            let path = source.components(between: "/test-container/", and: "?").first, let name = PercentCoding.decode(path),
            let bytes = blobs.blob(name)?.bytes
        else { return nil }
        var headers = request.headers.filter { $0.name.lowercased() != "x-ms-copy-source" }
        headers.removeAll { $0.name.lowercased() == "x-ms-source-range" }
        return blobs.answer(BlobRequest(method: "PUT", uri: request.uri, headers: headers, bytes: bytes))
    }

    /// - Returns: The lines, and whether all was done.
    private func apply(_ setup: AzurePoolSetup) async throws -> (lines: [SetupLine], isDone: Bool) {
        let apply = try #require(try await setup.plan().apply)
        var lines: [SetupLine] = []
        let isDone = try await apply { lines.append($0) }
        return (lines, isDone)
    }

    @Test("A container is made, becomes public and private, keeps the policies of others, and is left alone once it is right")
    func story() async throws {
        try await run(Container(exists: false)) { server, setup, state async throws in
            let (lines, isDone) = try await apply(setup)
            #expect(isDone && lines.map(\.mark) == [.done], "\(lines)")
            #expect(state.current.exists && state.current.access == "blob")
            #expect(try await setup.plan().apply == nil)
        }
        try await run(Container(access: "container"), access: .presigned) { server, setup, state async throws in
            #expect(try await apply(setup).isDone)
            #expect(state.current.access == nil && state.current.policies == Container().policies)
            #expect(try await setup.plan().apply == nil)
        }
        try await run(Container()) { server, setup, state async throws in
            #expect(try await apply(setup).isDone)
            #expect(state.current.access == "blob" && state.current.policies == Container().policies)
        }
    }

    @Test("Who has an account without public access is told how to allow it", arguments: [true, false])
    func notPermitted(_ exists: Bool) async throws {
        try await run(Container(exists: exists, allowsPublic: false)) { server, setup, state async throws in
            let (lines, isDone) = try await apply(setup)
            #expect(!isDone && lines.map(\.mark) == [.failed])
            #expect(lines.first?.text.contains("--allow-blob-public-access true") == true, "\(lines)")
        }
    }

    @Test(
        "What a server says in place of a container's properties is told",
        arguments: [(403, "AuthorizationFailure", "firewall"), (501, "", "is http"), (401, "NoAuthenticationInformation", "credentials")])
    func unknown(_ status: Int, _ code: String, _ word: String) async throws {
        let script: StoreFixture.Script = { $0.kind == .properties ? FakeBlobs.error(status, code) : nil }
        try await run(Container(), script: script) { _, setup, _ async throws in
            let plan = try await setup.plan()
            #expect(plan.apply == nil && plan.lines.map(\.mark) == [.problem])
            #expect(plan.lines.first?.text.contains(word) == true, "\(plan.lines)")
        }
    }

    @Test("A pool that is set up passes every check, and nothing is left of it", arguments: BucketAccess.allCases, ["", "p/"])
    func check(_ access: BucketAccess, _ prefix: String) async throws {
        let container = Container(access: access == .public ? "blob" : nil)
        let written = WatchedState(Set<String>())
        let script: StoreFixture.Script = { request in
            if request.method == "PUT", let blob = request.blob { written.change { _ = $0.insert(blob) } }
            return nil
        }
        try await run(container, access: access, keyPrefix: prefix, script: script) { server, setup, _ async throws in
            var lines: [SetupLine] = []
            let isFine = try await setup.check { lines.append($0) }
            #expect(isFine && lines.allSatisfy { $0.mark == .ok }, "\(lines.filter { $0.mark != .ok })")
            let texts = lines.map(\.text).joined(separator: "\n")
            for words in [
                "credentials: key of the account testaccount", "endpoint:", "clock:", "container: test-container exists",
                "may write an object", "may read an object", "(HEAD)", "may list objects", "a write that requires a new object",
                "clients may read", "may copy objects by itself", "may fetch from URLs by itself", "may upload in blocks",
                "may delete an object", "lifecycle:",
            ] {
                #expect(texts.contains(words), "\(words)")
            }
            #expect(!texts.contains(GivenCredentials.key) && !texts.contains("sig="))
            #expect(written.current.count == 4)
            #expect(written.current.allSatisfy { $0.hasPrefix("\(prefix)cloud-mirror-probe-may-be-deleted/") })
            let kinds = server.requests.map { BlobRequest($0).kind }
            #expect(kinds.contains(.batch))
        }
    }

    @Test("A check tells what is wrong, and in which words to put it right")
    func wrong() async throws {
        func check(
            _ container: Container, access: BucketAccess = .public, script: @escaping StoreFixture.Script = { _ in nil },
            _ expected: (mark: SetupLine.Mark, word: String)
        ) async throws {
            let lines = WatchedState<[SetupLine]>([])
            try await run(container, access: access, script: script) { _, setup, _ async throws in
                let isFine = try await setup.check { line in lines.change { $0.append(line) } }
                #expect(isFine == (expected.mark != .error))
            }
            #expect(lines.current.contains { $0.mark == expected.mark && $0.text.contains(expected.word) }, "\(lines.current)")
        }
        try await check(Container(exists: false), (.error, "there is no container test-container: run `cloud-mirror pools apply`"))
        try await check(Container(), (.error, "az storage account update --name testaccount --allow-blob-public-access true"))
        try await check(Container(access: "blob"), access: .presigned, (.warning, "everybody may read without a signature"))
        let refuse: StoreFixture.Script = { $0.kind == .put ? FakeBlobs.error(403, "AuthorizationPermissionMismatch") : nil }
        try await check(Container(access: "blob"), script: refuse, (.error, "assign Storage Blob Data Contributor"))
        let noCopies: StoreFixture.Script = { $0.kind == .copyBlock ? FakeBlobs.error(403, "CannotVerifyCopySource") : nil }
        try await check(Container(access: "blob"), script: noCopies, (.warning, "all artifacts pass through the mirror"))
    }
}
