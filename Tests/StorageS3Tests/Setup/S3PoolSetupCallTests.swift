import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOPosix
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

/// Servers that differ, made up.
@Suite struct S3PoolSetupCallTests {
    private static func run(
        _ answer: @escaping @Sendable (FakeOrigin.Request) -> FakeBehavior, isolation: isolated (any Actor)? = #isolation,
        _ body: (FakeOrigin, S3PoolSetup) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { origin async throws in
            let http = ServiceClient(
                configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: SetupServer.logger)
            origin.on(everything: answer)
            let configuration = S3Configuration(
                bucket: "bucket", endpoint: S3Endpoint(url: try ArtifactURL(origin.url("/")), region: "us-east-1"),
                credentials: StaticCredentials(S3Credentials(accessKeyID: "A", secretAccessKey: "S")))
            let setup = S3PoolSetup(
                configuration: configuration, retention: .seconds(86_400), http: http, clock: HastyClock(), logger: SetupServer.logger)
            do {
                try await body(origin, setup)
            } catch {
                await http.shutdown()
                throw error
            }
            await http.shutdown()
        }
    }

    private static func notImplemented(_ status: Int = 501, _ code: String = "NotImplemented") -> FakeBehavior {
        StoreFixture.error(status, code)
    }

    @Test(
        "What a server does not know is no error",
        arguments: [(501, "NotImplemented"), (405, "MethodNotAllowed"), (501, ""), (400, "XNotImplemented")])
    func unsupported(status: Int, code: String) async throws {
        try await Self.run({ request in
            request.method == "HEAD" ? .status(200) : StoreFixture.error(status, code)
        }) { _, setup async throws in
            let plan = try await setup.plan()
            #expect(!plan.hasChanges && !plan.hasProblems)
            #expect(plan.lines.filter { $0.text.hasSuffix("not supported by this server") }.count == 4)
        }
    }

    @Test("A server that lists the bucket whatever it is asked for does not know the question")
    func listsInstead() async throws {
        try await Self.run({ request in
            request.method == "HEAD" ? .status(200) : StoreFixture.xml("<ListBucketResult><Name>bucket</Name></ListBucketResult>")
        }) { _, setup async throws in
            let plan = try await setup.plan()
            #expect(!plan.hasChanges && !plan.hasProblems)
        }
    }

    @Test("What may not be read is left as it is, and the plan names the permission")
    func denied() async throws {
        try await Self.run({ request in
            request.method == "HEAD" ? .status(200) : StoreFixture.error(403, "AccessDenied")
        }) { _, setup async throws in
            let plan = try await setup.plan()
            #expect(!plan.hasChanges && plan.hasProblems)
            for permission in [
                "s3:GetBucketOwnershipControls", "s3:GetBucketPublicAccessBlock", "s3:GetBucketPolicy", "s3:GetLifecycleConfiguration",
            ] {
                #expect(plan.lines.contains { $0.text.contains("permit \(permission) ") }, "\(permission)")
            }
        }
    }

    @Test("A policy that is refused right after the guard was opened is tried again, for a while")
    func settling() async throws {
        try await Self.run({ request in
            switch (request.method, request.uri.replacing("=", with: "")) {
            case ("HEAD", _): .status(200)
            case ("PUT", "/bucket?policy"): request.number < 12 ? StoreFixture.error(403, "AccessDenied") : .status(204)
            case ("PUT", _): .status(200)
            case (_, "/bucket?policy"): StoreFixture.error(404, "NoSuchBucketPolicy")
            case (_, "/bucket?publicAccessBlock"): StoreFixture.error(404, "NoSuchPublicAccessBlockConfiguration")
            case (_, "/bucket?ownershipControls"): StoreFixture.error(404, "OwnershipControlsNotFoundError")
            case (_, "/bucket?lifecycle"): StoreFixture.error(404, "NoSuchLifecycleConfiguration")
            default: StoreFixture.xml("<LocationConstraint/>")
            }
        }) { origin, setup in
            let plan = try await setup.plan()
            #expect(plan.lines.filter { $0.mark == .change }.count == 4)
            var outcomes: [S3PoolSetup.Outcome] = []
            try await setup.apply(plan) { outcomes.append($1) }
            #expect(outcomes == [.done, .done, .done, .done])
            let puts = origin.requests(for: "/bucket").filter { $0.method == "PUT" }
            #expect(puts.count > 4)
            // Amazon refuses these calls without a digest of their body.
            #expect(puts.allSatisfy { $0.header("content-md5")?.utf8.count == 24 })
        }
    }

    @Test("A throttled look is repeated, a name that somebody else has is said to be theirs, and nothing is set up then")
    func taken() async throws {
        try await Self.run({ request in
            if request.number < 3 { return StoreFixture.error(503, "SlowDown") }
            return request.method == "HEAD" ? .status(404) : StoreFixture.error(409, "BucketAlreadyExists")
        }) { origin, setup in
            let plan = try await setup.plan()
            #expect(plan.hasChanges)
            var failures: [String] = []
            try await setup.apply(plan) { _, outcome in
                if case .failed(let reason) = outcome { failures.append(reason) }
            }
            #expect(failures.count == 1)
            #expect(failures.first?.contains("another account has a bucket of this name") == true)
            #expect(origin.requests(for: "/bucket").filter { $0.method == "PUT" }.count == 1)
        }
    }

    // MARK: What a setting does to a bucket

    private static func run(
        _ server: SettingServer, isolation: isolated (any Actor)? = #isolation,
        _ body: (S3PoolSetup) async throws -> Void
    ) async throws {
        try await run({ server.answer($0) }) { _, setup in try await body(setup) }
    }

    /// Plans and applies.
    ///
    /// - Returns: What came of each line, by the first word of its text.
    private static func apply(_ setup: S3PoolSetup) async throws -> [String: S3PoolSetup.Outcome] {
        var outcomes: [String: S3PoolSetup.Outcome] = [:]
        try await setup.apply(try await setup.plan()) { line, outcome in
            outcomes[String(line.text.prefix { $0 != ":" && $0 != " " })] = outcome
        }
        return outcomes
    }

    @Test(
        "One setting that makes a bucket read-only is taken back, and all others stay", arguments: Array(SettingServer.all), [true, false])
    func oneCulprit(_ culprit: String, _ exists: Bool) async throws {
        let server = SettingServer(exists: exists) { $0.contains(culprit) }
        try await Self.run(server) { setup async throws in
            let outcomes = try await Self.apply(setup)
            #expect(server.current.settings == SettingServer.all.subtracting([culprit]))
            #expect(server.current.objects.isEmpty)
            let takenBack = outcomes.values.compactMap { outcome -> String? in
                if case .takenBack(let reason) = outcome { reason } else { nil }
            }
            #expect(takenBack.count == 1)
            #expect(takenBack.first?.contains("AccessDenied (403)") == true)
            #expect(outcomes.values.count { $0 == .done } == (exists ? 3 : 4))
        }
    }

    @Test("Settings that only together make a bucket read-only are all taken back")
    func culprits() async throws {
        let server = SettingServer { $0.contains("policy") || $0.contains("lifecycle") }
        try await Self.run(server) { setup async throws in
            let outcomes = try await Self.apply(setup)
            #expect(server.current.settings.isEmpty)
            #expect(outcomes.values.allSatisfy { if case .takenBack = $0 { true } else { false } })
        }
    }

    @Test("A bucket that nobody could write to before is no setting's fault")
    func readOnlyBefore() async throws {
        let server = SettingServer { _ in true }
        try await Self.run(server) { setup async throws in
            #expect(try await Self.apply(setup).values.allSatisfy { $0 == .done })
            #expect(server.current.settings == SettingServer.all)
            #expect(server.current.changes.count == 4)
        }
    }

    @Test("Where all is well nothing is left of the probe")
    func wellBehaved() async throws {
        let server = SettingServer()
        try await Self.run(server) { setup async throws in
            #expect(try await Self.apply(setup).values.allSatisfy { $0 == .done })
            #expect(server.current.settings == SettingServer.all)
            #expect(server.current.objects.isEmpty)
        }
    }

    @Test("What a server does not support is found out as soon as the bucket is there, and nothing fails", arguments: [true, false])
    func newBucketWithoutSettings(_ exists: Bool) async throws {
        let server = SettingServer(exists: exists, supported: ["policy"])
        try await Self.run(server) { setup async throws in
            let outcomes = try await Self.apply(setup)
            #expect(!outcomes.values.contains { if case .failed = $0 { true } else { false } }, "\(outcomes)")
            #expect(server.current.changes == ["PUT policy"])
            if !exists { #expect(outcomes["lifecycle"] == .noted) }
        }
    }

    @Test("A server that says it of a bucket that there is not yet is not asked for it by the plan")
    func unsupportedBefore() async throws {
        try await Self.run({ request in
            if request.method == "HEAD" { return .status(404) }
            return request.uri.contains("policy") ? StoreFixture.error(404, "NoSuchBucket") : StoreFixture.error(501, "NotImplemented")
        }) { _, setup async throws in
            let plan = try await setup.plan()
            #expect(plan.lines.filter { $0.mark == .change }.map(\.step?.isCreation) == [true, false])
            #expect(plan.lines.filter { $0.text.hasSuffix("not supported by this server") }.count == 3)
        }
    }
}

extension S3PoolPlan.Step {
    fileprivate var isCreation: Bool { self == .createBucket }
}
