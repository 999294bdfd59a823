import Foundation
import MirrorCore
import NIOHTTP1
import Synchronization
import TestServers
import Testing

/// A mirror with a small pool, readers who never rest, and somebody who breaks one thing after the other, as the seed says.
final class ChaosScene: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        /// A directory with little room: evictions under readers, a clock that steps.
        case directory
        /// A bucket behind a line that stalls and is cut, so that deletes are slow, too.
        case bucket
    }

    private struct State {
        /// How often the process was started.
        var life = 0
        var isUp = false
        var violations: [String] = []
        var events: [String] = []
        var answers: [String: Int] = [:]
        /// How often the purge of an artifact has begun.
        var purges: [String: Int] = [:]
    }

    static let artifacts = 24

    let kind: Kind
    let mirror: MirrorProcess
    let origin: FakeOrigin
    private let clock: ChaosClock?
    private let line: TCPProxy?
    private let state = Mutex(State())

    init(_ kind: Kind, mirror: MirrorProcess, origin: FakeOrigin, clock: ChaosClock?, line: TCPProxy?) {
        (self.kind, self.mirror, self.origin, self.clock, self.line) = (kind, mirror, origin, clock, line)
        origin.on(everything: { Self.behavior($0.path) })
    }

    var pool: String { kind == .directory ? MirrorProcess.pool : "s3/one" }
    var violations: [String] { state.withLock { $0.violations } }
    var events: [String] { state.withLock { $0.events } }
    var answers: [String: Int] { state.withLock { $0.answers } }

    /// An artifact's bytes depend on its path alone; some come slowly.
    private static func behavior(_ path: String) -> FakeBehavior {
        let number = path.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
        return FakeBehavior.generated(size: Int64(1_000 + number * 5), seed: UInt64(number)).with {
            $0.chunkSize = 16 << 10
            if number % 3 == 0 { $0.pause = .milliseconds(10) }
            if number % 4 == 0 { $0.acceptsRanges = false }
        }
    }

    private static func bytes(_ path: String) -> [UInt8] {
        let body = behavior(path).body
        return body.bytes(0..<body.size)
    }

    private func violate(_ text: String) {
        state.withLock { state in
            if state.violations.count < 50 { state.violations.append("life \(state.life): \(text)") }
        }
    }

    // MARK: The process

    func start() async throws {
        try await mirror.start()
        state.withLock { ($0.life, $0.isUp) = ($0.life + 1, true) }
    }

    private func restart(_ signal: ChildProcess.Signal) async throws {
        state.withLock { $0.isUp = false }
        try await mirror.end(signal)
        try await start()
    }

    // MARK: Those who read

    /// Asks for one artifact after the other until `isOver`.
    func read(seed: UInt64, until isOver: Flag) async {
        var random = SeededGenerator(seed: seed)
        while !isOver.isSet {
            await readOnce("/\(Int.random(in: 0..<Self.artifacts, using: &random)).bin")
        }
    }

    /// Whatever is broken, a client gets a redirect, and behind it the artifact.
    private func readOnce(_ path: String) async {
        let (life, wasUp, purges) = state.withLock { ($0.life, $0.isUp, $0.purges[path]) }
        guard wasUp else { return await pause() }
        do {
            let answer = try await mirror.redirect(origin.url(path), in: pool, wait: 3)
            state.withLock { $0.answers[answer.outcome ?? "none", default: 0] += 1 }
            guard answer.status == 302, let location = answer.location else {
                return violate("\(path): \(answer.status) \(answer.text), which the origin would not have given")
            }
            if location == origin.url(path) { return }
            let object = try await follow(location)
            if object.status == 200 {
                if object.body != Self.bytes(path) { violate("\(path): \(answer.outcome ?? "") leads to other bytes") }
            } else if isStill(life), state.withLock({ $0.purges[path] }) == purges {
                // A purge takes what somebody may be on the way to.
                violate("\(path): \(answer.outcome ?? "") leads to nothing: \(object.status) \(object.text.prefix(300))")
            }
        } catch {
            // A killed process breaks off; one that lives does not, unless the line to the bucket is what broke.
            if isStill(life), kind == .directory { violate("\(path): \(error)") }
        }
    }

    private func isStill(_ life: Int) -> Bool { state.withLock { $0.life == life && $0.isUp } }

    private func pause() async { try? await Task.sleep(for: .milliseconds(20)) }

    /// As any client does, back to the mirror if need be.
    private func follow(_ location: String) async throws -> HTTP.Answer {
        var next = location
        for _ in 0..<5 {
            let answer = try await HTTP.send(.GET, next.hasPrefix("/") ? mirror.url + next : next)
            guard answer.status == 302, let location = answer.location else { return answer }
            next = location
        }
        throw NoEnd()
    }

    private struct NoEnd: Error {}

    // MARK: Who breaks things

    func breakThings(seed: UInt64, for time: Duration) async throws {
        var random = SeededGenerator(seed: seed)
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...600, using: &random)))
            try await breakSomething(&random)
        }
        line?.resume()
        try clock?.step(to: 0)
        if !state.withLock({ $0.isUp }) { try await start() }
    }

    private func breakSomething(_ random: inout SeededGenerator) async throws {
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1:
            note("kill")
            try await restart(.kill)
        case 2:
            note("stop in order")
            line?.resume()
            try await restart(.terminate)
        case 3:
            if let clock {
                let seconds = [-7_200, -3_600, -60, -5, 5, 60, 3_600, 7_200].randomElement(using: &random) ?? 0
                note("clock \(seconds) s")
                try clock.step(to: seconds)
            } else {
                note("the line is cut")
                line?.cut()
            }
        case 4:
            if let line {
                note("the line stalls")
                line.stall()
                // So long that what is in the middle of something notices.
                try await Task.sleep(for: .milliseconds(Int.random(in: 100...2_500, using: &random)))
                line.resume()
            }
        default:
            let path = "/\(Int.random(in: 0..<Self.artifacts, using: &random)).bin"
            note("purge \(path)")
            state.withLock { $0.purges[path, default: 0] += 1 }
            // It may fail, where what it needs is broken.
            do { try await mirror.purge(origin.url(path), in: pool) } catch {}
        }
    }

    private func note(_ event: String) { state.withLock { $0.events.append(event) } }

    // MARK: What must hold when all is quiet

    /// - Parameter patience: Until nothing is pending any more.
    func check(within patience: Duration) async throws {
        let began = ContinuousClock.now
        var pending: [String] = []
        repeat {
            pending = try await replicas().filter { $0.state == "pending" }.map(\.url)
            if pending.isEmpty { break }
            try await Task.sleep(for: .milliseconds(100))
        } while began.duration(to: .now) < patience
        if !pending.isEmpty { violate("pending for \(patience): \(pending)") }
        for replica in try await replicas() where replica.state == "present" {
            let path = String(replica.url.dropFirst(origin.url("").count))
            let answer = try await mirror.redirect(replica.url, in: pool)
            guard answer.outcome == "hit", let location = answer.location else { continue }
            // The object itself, not what the mirror does when it is gone.
            let object = try await HTTP.send(.GET, location.hasPrefix("/") ? mirror.url + location : location)
            guard object.status == 200 else {
                violate("\(path) is present, and its object is not: \(object.status)")
                continue
            }
            let digest = try FakeBody.bytes(object.body).sha256
            let stated = replica.sha256.map { $0 == digest.hex } ?? true
            if object.body != Self.bytes(path) || !stated { violate("\(path) is present, and its object has another digest") }
        }
    }

    private func replicas() async throws -> [MirrorProcess.ReplicaPage.Item] {
        let answer = try await mirror.admin(.GET, "/v1/replicas?pool=\(pool)&limit=1000")
        try #require(answer.status == 200, "\(answer.status) \(answer.text)")
        return try answer.json(MirrorProcess.ReplicaPage.self).replicas
    }
}
