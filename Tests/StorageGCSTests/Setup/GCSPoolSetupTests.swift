import MirrorCore
import MirrorNet
import MirrorStorage
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Setting up the bucket of a pool", .timeLimit(.minutes(5)))
struct GCSPoolSetupTests {
    private static func run(
        _ script: @escaping ScriptedServer.Script, access: BucketAccess = .public, hasTokens: Bool = true,
        _ body: @escaping @Sendable (GCSPoolSetup, ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.run(script) { server in
            let connection = StoreFixture.connection()
            let configuration = GCSConfiguration(
                bucket: "bucket", endpoint: GCSEndpoint(try ArtifactURL(server.url)), reading: BucketReading(access: access),
                credentials: GivenCredentials(), hasTokens: hasTokens, location: "us-central1", project: "a-project")
            do {
                try await body(GCSPoolSetup(configuration: configuration, retention: .seconds(86_400), connection: connection), server)
            } catch {
                await connection.http.shutdown()
                throw error
            }
            await connection.http.shutdown()
        }
    }

    private static func apply(_ setup: GCSPoolSetup) async throws -> (isDone: Bool, lines: [SetupLine]) {
        var lines: [SetupLine] = []
        let isDone = try await setup.apply(try await setup.plan()) { lines.append($0) }
        return (isDone, lines)
    }

    @Test("A bucket is made, becomes public and then private, and is left alone once it is right")
    func story() async throws {
        let bucket = BucketServer()
        try await Self.run({ bucket.answer($0) }) { setup, server async throws in
            let (isDone, lines) = try await Self.apply(setup)
            #expect(isDone && lines.map(\.mark) == [.done, .done, .done], "\(lines)")
            #expect(try await !setup.plan().hasChanges)
            let created = try #require(server.requests.first { $0.method == "POST" })
            #expect(created.uri == "/storage/v1/b?project=a-project")
            let resource = try #require(JSONValue(parsing: created.body.utf8))
            #expect(resource["name"]?.string == "bucket" && resource["location"]?.string == "us-central1")
            #expect(resource["softDeletePolicy"]?["retentionDurationSeconds"]?.string == "0")
            #expect(resource["iamConfiguration"]?["uniformBucketLevelAccess"]?["enabled"] == .bool(true))
            #expect(GCSPolicy(bucket.current.policy).letsEverybodyRead)
        }
        try await Self.run({ bucket.answer($0) }, access: .presigned) { setup, _ in
            let plan = try await setup.plan()
            #expect(plan.lines.compactMap(\.step) == [.setReaders(everybody: false), .setAccess(preventsPublicAccess: true)])
            #expect(try await Self.apply(setup).isDone)
            #expect(try await !setup.plan().hasChanges)
            #expect(!GCSPolicy(bucket.current.policy).letsEverybodyRead)
            #expect(bucket.current.resource?["iamConfiguration"]?["publicAccessPrevention"]?.string == "enforced")
        }
    }

    @Test("What others have set up stays")
    func others() async throws {
        let theirs = JSONValue.object([
            "action": .object(["type": .string("Delete")]), "condition": .object(["daysSinceNoncurrentTime": .integer(3)]),
        ])
        let bucket = BucketServer(
            .object([
                "location": .string("US-CENTRAL1"), "metageneration": .string("9"), "labels": .object(["a": .string("b")]),
                "lifecycle": .object(["rule": .array([theirs])]),
            ]))
        try await Self.run({ bucket.answer($0) }) { setup, server async throws in
            #expect(try await Self.apply(setup).isDone)
            let resource = try #require(bucket.current.resource)
            #expect(resource["labels"]?["a"]?.string == "b")
            guard case .array(let rules)? = resource["lifecycle"]?["rule"] else {
                Issue.record("no rules")
                return
            }
            #expect(rules.count == 4 && rules.first == theirs)
            #expect(server.requests.filter { $0.method == "PATCH" }.count == 2)
        }
    }

    @Test("A name that somebody else has is said to be theirs, and nothing is set up then")
    func taken() async throws {
        let script: ScriptedServer.Script = {
            $0.method == "GET" ? BucketServer.error(404, "notFound") : BucketServer.error(409, "conflict")
        }
        try await Self.run(script) { setup, server in
            let (isDone, lines) = try await Self.apply(setup)
            #expect(!isDone && lines.map(\.mark) == [.failed])
            #expect(lines.first?.text.contains("another project has a bucket of this name") == true)
            #expect(server.requests.filter { $0.method != "GET" }.count == 1)
        }
    }

    @Test("What may not be looked at is left as it is, and the plan names the permission")
    func denied() async throws {
        try await Self.run({ _ in BucketServer.error(403, "forbidden") }) { setup, server async throws in
            let plan = try await setup.plan()
            #expect(!plan.hasChanges && plan.lines.map(\.mark) == [.problem])
            #expect(plan.lines.first?.text.contains("grant storage.buckets.get ") == true)
            #expect(server.requests.count == 1)
        }
        let bucket = BucketServer(GCSPoolPlanTests.resource(GCSPoolPlanTests.target()))
        try await Self.run({ $0.uri.contains("/iam") ? BucketServer.error(403, "forbidden") : bucket.answer($0) }) { setup, _ in
            let plan = try await setup.plan()
            #expect(plan.lines.contains { $0.mark == .problem && $0.text.contains("grant storage.buckets.getIamPolicy") })
        }
    }

    @Test("What may not be done is said with the permission, and the rest is done")
    func refused() async throws {
        let bucket = BucketServer()
        try await Self.run({ $0.method == "PUT" ? BucketServer.error(403, "forbidden") : bucket.answer($0) }) { setup, _ in
            let (isDone, lines) = try await Self.apply(setup)
            #expect(!isDone && lines.map(\.mark) == [.done, .failed, .done], "\(lines)")
            #expect(lines[1].text.contains("grant storage.buckets.setIamPolicy"))
        }
    }

    @Test("A policy of the organization against public buckets is told from other refusals")
    func prevented() async throws {
        let bucket = BucketServer()
        try await Self.run({ $0.method == "PUT" ? BucketServer.error(412, "conditionNotMet") : bucket.answer($0) }) { setup, _ in
            let lines = try await Self.apply(setup).lines
            #expect(lines.contains { $0.mark == .failed && $0.text.contains("public access is prevented by a policy of the organization") })
        }
    }

    @Test("Throttling is waited out")
    func throttled() async throws {
        let bucket = BucketServer(GCSPoolPlanTests.resource(GCSPoolPlanTests.target()))
        let turns = Turns()
        try await Self.run({ turns.next() < 3 ? BucketServer.error(429, "rateLimitExceeded") : bucket.answer($0) }) {
            setup, server async throws in
            #expect(try await setup.plan().lines.first?.mark == .ok)
            #expect(server.requests.count == 5)
        }
    }

    @Test("HMAC keys can do none of this, and nothing is asked with them")
    func keys() async throws {
        try await Self.run({ _ in BucketServer.error(500, "x") }, hasTokens: false) { setup, server in
            let plan = try await setup.plan()
            #expect(!plan.hasChanges && plan.lines.map(\.mark) == [.problem])
            #expect(plan.lines.first?.text.contains("HMAC keys") == true)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("An answer that is not a bucket is no bucket's", arguments: ["[]", "{}", "nonsense"])
    func odd(_ body: String) async throws {
        try await Self.run({ _ in .init(body: body) }) { setup, _ in
            do {
                let plan = try await setup.plan()
                #expect(body == "{}" && !plan.hasChanges && plan.lines.map(\.mark) == [.problem])
            } catch let error as StorageError {
                #expect(body != "{}" && error.code == .unavailable)
            }
        }
    }
}
