import MirrorCore
import NIOHTTP1
import TestServers
import Testing

/// A client that asks for what it needs, each time on a connection of its own, and measures.
struct HonestClient: Sendable {
    struct Seen: Sendable {
        var hot: [Duration] = []
        var cold: [Duration] = []
        var failures: [String] = []

        var slowestHot: Duration { hot.max() ?? .zero }
        var slowestCold: Duration { cold.max() ?? .zero }
    }

    let mirror: MirrorProcess
    let origin: FakeOrigin

    private static let hot = "/hot.bin"

    /// Makes something hot.
    func prepare() async throws {
        try await eventually("an artifact is hot") { try await mirror.redirect(origin.url(Self.hot)).outcome == "hit" }
    }

    /// - Parameter round: What is cold has other names in another round.
    func ask(hot: Int, cold: Int, round: String) async throws -> Seen {
        var seen = Seen()
        for number in 0..<max(hot, cold) {
            if number < hot {
                seen.hot.append(await time(Self.hot, expecting: "hit", &seen.failures))
                // The pace of a client, not a wait for something.
                try await Task.sleep(for: .milliseconds(50))
            }
            guard number % max(1, hot / max(1, cold)) == 0, seen.cold.count < cold else { continue }
            seen.cold.append(await time("/\(round)-\(number).bin", expecting: "wait", &seen.failures))
        }
        return seen
    }

    /// How long one answer takes; the bytes that it leads to are looked at afterwards.
    private func time(_ path: String, expecting outcome: String, _ failures: inout [String]) async -> Duration {
        let began = ContinuousClock.now
        do {
            let target = "/v1/redirect/\(MirrorProcess.pool)/\(PercentCoding.encode(origin.url(path)))"
            let answer = try await mirror.send(.GET, target, headers: ["Connection": "close"])
            let took = began.duration(to: .now)
            if answer.status != 302 || answer.outcome != outcome {
                failures.append("\(path): \(answer.status) \(answer.outcome ?? "") \(answer.text)")
            } else if outcome == "wait" {
                let object = try await mirror.follow(answer)
                let isRight = object.body == FakeBehavior.generated(size: 200_000, seed: UInt64(path.utf8.count)).body.bytes(0..<200_000)
                if !isRight { failures.append("\(path): other bytes") }
            }
            return took
        } catch {
            failures.append("\(path): \(error)")
            return began.duration(to: .now)
        }
    }
}
