import Foundation
import TestServers
import Testing

extension EndToEnd {
    /// Everything breaks at the same time, again and again. `make chaos SECONDS=120 SEED=1` does it for so long; a few seconds are part of `make test`.
    @Suite(.enabled(if: S3Server.isExpected), .timeLimit(.minutes(600)))
    struct ChaosTests {
        private static let environment = ProcessInfo.processInfo.environment
        private static let seconds = environment["CLOUD_MIRROR_CHAOS_SECONDS"].flatMap { Int($0) } ?? 6
        private static let seed = environment["CLOUD_MIRROR_CHAOS_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...1_000_000)

        @Test(
            "Whatever breaks, nobody gets what is wrong, nothing is pending for ever, and what is present is there",
            arguments: ChaosScene.Kind.allCases)
        func chaos(kind: ChaosScene.Kind) async throws {
            let seed = Self.seed
            print("chaos | \(kind.rawValue) | \(Self.seconds) s | seed \(seed)")
            try await Self.run(kind) { scene in
                let isOver = Flag()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for reader: UInt64 in 0..<4 { group.addTask { await scene.read(seed: seed &+ reader &+ 1, until: isOver) } }
                    do {
                        try await scene.breakThings(seed: seed, for: .seconds(Self.seconds))
                    } catch {
                        isOver.set()
                        throw error
                    }
                    isOver.set()
                    try await group.waitForAll()
                }
                try await scene.check(within: .seconds(20))
                let answers = scene.answers.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
                print("chaos | \(kind.rawValue) | \(scene.events.count) events | answers: \(answers)")
                #expect(scene.answers["hit", default: 0] + scene.answers["wait", default: 0] > 0)
                #expect(
                    scene.violations.isEmpty, "seed \(seed): \(scene.violations.joined(separator: "\n")) after \(scene.events.suffix(40))")
            }
        }

        @Test("The checks notice an object that is gone, one that was changed, and what stays pending")
        func checksNotice() async throws {
            try await Self.run(.directory) { scene in
                for number in 0..<3 { _ = try await scene.mirror.redirect(scene.origin.url("/\(number).bin")) }
                try await scene.check(within: .seconds(20))
                try #require(scene.violations.isEmpty)
                let objects = try scene.mirror.objects()
                try #require(objects.count == 3)
                let directory = scene.mirror.directory
                try directory.remove("pool/files/\(objects[0])")
                try directory.write(
                    Array(repeating: UInt8(7), count: try directory.read("pool/files/\(objects[1])").count),
                    to: "pool/files/\(objects[1])")
                let gate = FakeGate()
                scene.origin.on("/stuck.bin", FakeBehavior.generated(size: 10).with { $0.gate = gate })
                try await scene.mirror.warm([scene.origin.url("/stuck.bin")])
                try await scene.check(within: .milliseconds(200))
                let found = scene.violations.joined(separator: "\n")
                #expect(found.contains("pending for"), "\(found)")
                let ofObjects = scene.violations.count { $0.contains("is present") }
                #expect(ofObjects == 2, "\(found)")
                gate.open()
            }
        }

        private static func run(_ kind: ChaosScene.Kind, _ body: (ChaosScene) async throws -> Void) async throws {
            try await FakeOrigin.run { origin in
                let directory = try TemporaryDirectory()
                var settings = MirrorSettings(allow: [origin.url("/")])
                (settings.lease, settings.maxAttempts, settings.negativeLife, settings.shutdownGrace) = ("2s", 20, "100ms", "2s")
                settings.logLevel = "info"
                settings.poolOptions = ", retention: {timeToLive: 720h, maxBytes: 2MiB}"
                let server = try S3Server()
                switch kind {
                case .directory:
                    let clock = try await ChaosClock(in: directory)
                    let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
                    let mirror = MirrorProcess(before: clock.prefix, ["--config", file], in: directory, token: settings.token)
                    try await run(ChaosScene(kind, mirror: mirror, origin: origin, clock: clock, line: nil), body)
                case .bucket:
                    try await TCPProxy.run(to: try server.port) { line in
                        let bucket = try await server.makeBucket("chaos")
                        settings.morePools = ["s3/one: \(server.settings(bucket, through: line, ", access: presigned"))"]
                        let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
                        let mirror = MirrorProcess(["--config", file], in: directory, token: settings.token)
                        try await run(ChaosScene(kind, mirror: mirror, origin: origin, clock: nil, line: line), body)
                    }
                }
            }
        }

        private static func run(_ scene: ChaosScene, _ body: (ChaosScene) async throws -> Void) async throws {
            do {
                try await scene.start()
                try await body(scene)
                try await scene.mirror.end(.kill)
            } catch {
                _ = try? await scene.mirror.end(.kill)
                Issue.record("the mirror's standard error ended with:\n\(scene.mirror.log.suffix(4_000))")
                throw error
            }
        }
    }
}
