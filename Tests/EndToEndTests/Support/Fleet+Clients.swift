import NIOHTTP1
import TestServers
import Testing

/// An answer as a client sees it.
struct Seen: Sendable {
    enum Target: Sendable {
        case pool, origin, neither
    }

    let path: String
    let answer: HTTP.Answer
    let target: Target
    let began: ContinuousClock.Instant
    let took: Duration

    var isHit: Bool { target == .pool && answer.outcome == "hit" }
}

extension Sequence<Seen> {
    /// `.zero` of none.
    var slowest: Duration { map(\.took).max() ?? .zero }
}

extension Fleet {
    /// Asks a front end as a client does. Whatever is not a redirect to the pool or to the origin is an issue: the origin answers everything
    /// that these tests ask for.
    @discardableResult
    func ask(
        _ path: String, of number: Int, in pool: String? = nil, wait: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Seen {
        let began = ContinuousClock.now
        let answer = try await frontEnds[number].redirect(origin.url(path), in: pool ?? settings.pools[0], wait: wait)
        let took = began.duration(to: .now)
        let location = answer.location ?? ""
        let target: Seen.Target =
            if location.hasPrefix("\(server.url)/\(try bucket(pool))/") {
                .pool
            } else if location == origin.url(path) {
                .origin
            } else {
                .neither
            }
        let isRedirect = answer.status == 302 && target != .neither
        #expect(isRedirect, "\(path): \(answer.status) \(location) \(answer.text)", sourceLocation: sourceLocation)
        return Seen(path: path, answer: answer, target: target, began: began, took: took)
    }

    /// Asks until the answer is a redirect to the pool; waits for no copy, so that what it measures is when copies work again.
    @discardableResult
    func askUntilInPool(
        _ path: String, of number: Int, in pool: String? = nil, within limit: Duration, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Seen {
        try await eventually("\(path) is in the pool, says front end \(number)", within: limit) {
            let seen = try await ask(path, of: number, in: pool, wait: 1, sourceLocation: sourceLocation)
            return seen.target == .pool ? seen : nil
        }
    }

    /// What a client gets that follows a redirect to the pool.
    func download(_ seen: Seen) async throws -> [UInt8] {
        let object = try await HTTP.send(.GET, try #require(seen.answer.location))
        try #require(object.status == 200, "\(seen.path): \(object.status) \(object.text)")
        return object.body
    }

    func expect(_ seen: Seen, is behavior: FakeBehavior, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(seen.target == .pool, "\(seen.path)", sourceLocation: sourceLocation)
        let isRight = try await download(seen) == behavior.body.bytes(0..<behavior.body.size)
        #expect(isRight, "\(seen.path) has other bytes", sourceLocation: sourceLocation)
    }

    /// Runs `body` while clients ask for the artifacts again and again, one client for each front end.
    ///
    /// - Parameter numbers: Of the front ends that are asked; `nil` is all.
    /// - Returns: What `body` gave, and what the clients saw.
    func withTraffic<Result>(
        on paths: [String], of numbers: [Int]? = nil, in pool: String? = nil, isolation: isolated (any Actor)? = #isolation,
        sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Result
    ) async throws -> (result: Result, seen: [Seen]) {
        let isOver = Flag()
        return try await withThrowingTaskGroup(of: [Seen].self) { group in
            for number in numbers ?? Array(frontEnds.indices) {
                group.addTask {
                    var seen: [Seen] = []
                    while !isOver.isSet {
                        for path in paths {
                            seen.append(try await self.ask(path, of: number, in: pool, sourceLocation: sourceLocation))
                            // The pace of a client, not a wait for something.
                            try await Task.sleep(for: .milliseconds(3))
                        }
                    }
                    return seen
                }
            }
            let result: Result
            do {
                result = try await body()
            } catch {
                isOver.set()
                throw error
            }
            isOver.set()
            return (result, try await group.reduce(into: []) { $0 += $1 })
        }
    }
}

extension FakeGate {
    /// Returns once a response waits here: a copy is under way.
    func isReached() async throws {
        try await eventually("a copy is under way") { waitingCount > 0 }
    }
}
