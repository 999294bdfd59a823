import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOPosix
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
            origin.on("/bucket", answer)
            let configuration = S3Configuration(
                bucket: "bucket", endpoint: try S3Endpoint(url: origin.url("/"), region: "us-east-1"),
                credentials: StaticS3Credentials(S3Credentials(accessKeyID: "A", secretAccessKey: "S")))
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
        }) { _, setup in
            let plan = try await setup.plan()
            #expect(!plan.hasChanges && !plan.hasProblems)
            #expect(plan.lines.filter { $0.text.hasSuffix("not supported by this server") }.count == 4)
        }
    }

    @Test("A server that lists the bucket whatever it is asked for does not know the question")
    func listsInstead() async throws {
        try await Self.run({ request in
            request.method == "HEAD" ? .status(200) : StoreFixture.xml("<ListBucketResult><Name>bucket</Name></ListBucketResult>")
        }) { _, setup in
            let plan = try await setup.plan()
            #expect(!plan.hasChanges && !plan.hasProblems)
        }
    }

    @Test("What may not be read is left as it is, and the plan names the permission")
    func denied() async throws {
        try await Self.run({ request in
            request.method == "HEAD" ? .status(200) : StoreFixture.error(403, "AccessDenied")
        }) { _, setup in
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
            #expect(failures.first?.contains("somebody else has a bucket of this name") == true)
            #expect(origin.requests(for: "/bucket").filter { $0.method == "PUT" }.count == 1)
        }
    }
}
