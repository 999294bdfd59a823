import MirrorCore
import MirrorState
import Retention
import MirrorTesting
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: explanations", .timeLimit(.minutes(1)))
struct RetentionExplainerTests {
    private func explanation(of id: ReplicaID, _ scene: LearningScene) async throws -> String {
        let explainer = RetentionExplainer(store: scene.state, learned: scene.learned, clock: scene.clock)
        let pool = try #require(scene.pools[id.pool])
        let replica = try await scene.state.replica(id)
        let object: StoredObject? = if case .present(let object) = replica?.status { object } else { nil }
        return try await explainer.explanation(of: id, object, in: pool).joined(separator: "\n")
    }

    @Test("It says how often an artifact was requested, on what evidence it is kept, until when, and what that saves and costs")
    func kept() async throws {
        let scene = try LearningScene()
        let id = try scene.id("models/1")
        for _ in 0..<10 {
            _ = try await scene.use(id)
            scene.clock.advance(by: .seconds(36_000))
        }
        let early = try await explanation(of: id, scene)
        #expect(early.contains("It was requested 10 times in local/a, every 10h on average, last 10h ago; it has been known for 4d."))
        #expect(early.contains("There is no table yet"))
        await scene.learner.step()
        let learned = try await explanation(of: id, scene)
        for likeness in [
            "last requested here, every 3h to 11h, known for 3d to 10d", "last requested here, every 3h to 11h", "last requested here",
        ] {
            #expect(learned.contains("/models that are used like it (\(likeness)), for which it pays to keep them for "), "\(likeness)")
        }
        _ = try await scene.use(try scene.id("models/1", 1))
        let text = try await explanation(of: id, scene)
        #expect(text.contains("A request in local/b 0s ago was a sign"))
        #expect(text.contains("Of artifacts of the class https://artifacts.example.org/models, for which it pays to keep them for "))
        #expect(text.contains("Of all artifacts, for which it pays to keep them for "))
        #expect(text.contains("Keeping it costs as much as another copy ($0.02) after 3d"))
        #expect(text.contains("is expected to save $0.0"))
    }

    @Test(
        "Of what has expired it says when, and in dollars what that means, from the record alone; of what nobody asked for it says nothing")
    func gone() async throws {
        let scene = try LearningScene()
        let id = try scene.id("models/1")
        _ = try await scene.use(id)
        scene.clock.advance(by: .seconds(200_000))
        try await scene.sweep()
        scene.clock.advance(by: .seconds(3 * 86_400))
        let known = RetentionPrices(asOf: Timestamp(milliseconds: 1_767_225_600_000), [id.pool: LearningScene.prices])
        scene.learned.replacePrices(with: known)
        let text = try await explanation(of: id, scene)
        #expect(text.contains("Its replica ended 3d ago, 2d after its last request."))
        #expect(
            text.contains("Keeping it costs as much as another copy after 3d. Keeping it since it ended would have cost $0.02 per GiB;"))
        #expect(text.contains("another copy costs $0.02 per GiB, at list prices of 2026-01-01."))
        // There is no table yet.
        #expect(!text.contains("By what is known now"))
        await scene.learner.step()
        #expect(try await explanation(of: id, scene).contains("By what is known now, it would be kept for "))
        scene.learned.replacePrices(with: RetentionPrices(asOf: nil, [id.pool: nil]))
        #expect(try await explanation(of: id, scene).contains("at prices that are only assumed."))
        #expect(try await explanation(of: try scene.id("models/2"), scene).isEmpty)
    }

    @Test("It says until when the sweep keeps a replica, also one that was warmed after another one had ended, and that is on its way out")
    func until() async throws {
        let scene = try LearningScene()
        let id = try scene.id("models/1")
        _ = try await scene.use(id)
        scene.clock.advance(by: .seconds(200_000))
        try await scene.sweep()
        #expect(try await !scene.isThere(id))
        let object = StoredObject(
            key: ObjectKey(id.artifact), size: LearningScene.gibibyte, sha256: nil, storedAt: scene.clock.now, lastUsed: scene.clock.now)
        _ = try await scene.state.recordPresent(id, object)
        let end = scene.clock.now + .seconds(129_600)
        let text = try await explanation(of: id, scene)
        #expect(text.contains("no request for it was recorded"))
        #expect(text.contains("it is kept for 36h after its last request, until \(end.iso8601)."))
        scene.clock.advance(by: .seconds(129_600))
        try await scene.sweeper.sweep(scene.pools.all[0])
        scene.clock.advance(by: .seconds(60))
        #expect(try await explanation(of: id, scene).contains("It was marked for deletion 60s ago"))
        try await scene.sweep()
        #expect(try await !scene.isThere(id))
    }

    @Test("Each context has words, and they are the limits of its numbers")
    func contexts() {
        // Seconds, each the last of its interval or the first.
        let rates: [(seconds: [Double], words: String)] = [
            ([1, 2_399], "every 40m or more often"), ([2_400, 9_599], "every 40m to 3h"), ([9_600, 38_399], "every 3h to 11h"),
            ([38_400, 153_599], "every 11h to 2d"), ([153_600, 614_399], "every 2d to 7d"), ([614_400, 2_457_599], "every 7d to 28d"),
            ([2_457_600, 1e9], "every 28d or less often"),
        ]
        for rate in rates {
            for number in rate.seconds.map({ Context.rate(uses: 1, since: $0) }) {
                #expect(
                    ContextWords.text(["c", "0", "\(number)"])
                        == "artifacts of the class c that are used like it (last requested here, \(rate.words))")
            }
        }
        let ages: [(seconds: [Double], words: String)] = [
            ([0, 7_200], "up to 2h"), ([7_201, 43_200], "2h to 12h"), ([43_201, 259_200], "12h to 3d"), ([259_201, 864_000], "3d to 10d"),
            ([864_001, 2_592_000], "10d to 30d"), ([2_592_001, 1e9], "more than 30d"),
        ]
        for age in ages {
            for number in age.seconds.map({ Context.age($0) }) {
                #expect(
                    ContextWords.text(["c", "1", "1", "\(number)"])
                        == "artifacts of the class c that are used like it (last requested in another pool, every 40m or more often, "
                        + "known for \(age.words))")
            }
        }
        #expect(ContextWords.text(["c", "0", "0"]) == "artifacts of the class c that are used like it (last requested here, once so far)")
        #expect(ContextWords.text(["c"]) == "artifacts of the class c")
        #expect(ContextWords.text([]) == "all artifacts")
    }

    @Test("Of a class that is guarded it says so, and that the break-even life counts")
    func guarded() async throws {
        let scene = try LearningScene()
        let id = try scene.id("models/1")
        _ = try await scene.use(id)
        let record = try #require(try await scene.record(id))
        let key = scene.learned.lives.key(ActivityRecord.number(of: scene.learned.artifactClass(of: id.artifact)), id.pool)
        scene.learned.change { $0.guarded.since[key] = record.own }
        let text = try await explanation(of: id, scene)
        #expect(text.contains("Its class is guarded in local/a: "))
        #expect(text.contains("it is kept for 3d after its last request, until "))
        #expect(!text.contains("expected to save"))
    }

    @Test("In a pool that goes by time it says until when")
    func timeToLive() async throws {
        let scene = try LearningScene()
        let id = try scene.id("models/1")
        _ = try await scene.use(id)
        scene.pools.all[0].replaceLimits(with: Pool.Limits(RetentionConfiguration(timeToLive: .seconds(3_600)), maxBytes: nil))
        let end = scene.clock.now + .seconds(3_600)
        #expect(
            try await explanation(of: id, scene) == "By the policy ttl it is kept for 60m after its last request, until \(end.iso8601).")
        #expect(try await explanation(of: try scene.id("models/2"), scene).isEmpty)
    }
}
