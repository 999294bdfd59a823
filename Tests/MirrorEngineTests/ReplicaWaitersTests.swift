import MirrorCore
import MirrorState
import Testing

@testable import MirrorEngine

@Suite("Replica waiters", .timeLimit(.minutes(1)))
struct ReplicaWaitersTests {
    private let waiters = ReplicaWaiters()
    /// How many waits have begun.
    private let arrived = Watched(0)

    private func id(_ number: Int = 1) throws -> ReplicaID {
        ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/\(number)"), pool: try #require(PoolID("local/dev")))
    }

    private func failed(_ id: ReplicaID) -> Replica {
        Replica(id: id, status: .error(CopyFailure(reason: .transfer, message: "", retryAt: SystemClock().now)))
    }

    /// Tells of changes, and returns once each has been handed on.
    private func tell(_ changes: ReplicaChange...) async {
        await waiters.run(
            AsyncStream { stream in
                for change in changes { stream.yield(change) }
                stream.finish()
            })
    }

    @Test("A change between the look at the state and the wait is not lost")
    func changeInBetween() async throws {
        let id = try id()
        let replica = failed(id)
        let wake = try await waiters.wait(for: id) {
            await tell(.replica(id, replica))
            // What was read before the change.
            return true
        }
        guard case .changed(replica) = wake else {
            Issue.record("woken by \(wake)")
            return
        }
        #expect(waiters.count == 0)
    }

    @Test("Who waits for a replica that may have changed looks again, and nobody else does")
    func stale() async throws {
        let (id, other) = (try id(), try id(2))
        let wake = try await waiters.wait(for: id) {
            await tell(.stale(other), .stale(id))
            return true
        }
        guard case .lookAgain = wake else {
            Issue.record("woken by \(wake)")
            return
        }
    }

    @Test("Who waits since before its replica was found to be pending need not look, if there was no news since")
    func noNews() async throws {
        let (id, other) = (try id(), try id(2))
        let news = waiters.news(of: id)
        // Still pending is no news, and what happened before is none either.
        await tell(.replica(id, Replica(id: id, status: .pending)))
        let waiting = Task {
            try await waiters.wait(for: id, since: news) {
                Issue.record("it looked")
                return true
            }
        }
        while waiters.count == 0, !Task.isCancelled { await Task.yield() }
        await tell(.replica(other, nil), .replica(id, nil))
        guard case .changed(nil) = try await waiting.value else {
            Issue.record("woken by something else")
            return
        }
    }

    @Test(
        "News that came before the wait makes whoever waits look, whatever it was",
        arguments: [0, 1, 2, 3, 4])
    func news(_ number: Int) async throws {
        let id = try id()
        let news = waiters.news(of: id)
        let changes: [ReplicaChange] = [
            .replica(id, nil), .stale(id), .staleName(id.artifact.nameHash, id.pool), .everything, .interrupted,
        ]
        await tell(changes[number])
        let hasLooked = Watched(false)
        let wake = try await waiters.wait(for: id, since: news) {
            hasLooked.change { $0 = true }
            return false
        }
        guard case .lookAgain = wake else {
            Issue.record("woken by \(wake)")
            return
        }
        #expect(hasLooked.current)
    }

    @Test("Where no change can be told whoever waits looks for itself")
    func interrupted() async throws {
        let wake = try await waiters.wait(for: try id()) {
            await tell(.interrupted)
            return true
        }
        guard case .lookAgain = wake else {
            Issue.record("woken by \(wake)")
            return
        }
    }

    @Test("Who looks after the change does not wait")
    func notPending() async throws {
        let wake = try await waiters.wait(for: try id()) { false }
        guard case .lookAgain = wake else {
            Issue.record("woken by \(wake)")
            return
        }
        #expect(waiters.count == 0)
    }

    @Test("A look that fails is the waiter's error, and it is gone")
    func lookFails() async throws {
        let id = try id()
        await #expect(throws: StateError.self) {
            _ = try await waiters.wait(for: id) { throw StateError(.unavailable, "scripted") }
        }
        #expect(waiters.count == 0)
    }

    /// Waits as a request does, and says when it began.
    private func wait(for id: ReplicaID) async throws -> ReplicaWaiters.Wake {
        try await waiters.wait(for: id) {
            arrived.change { $0 += 1 }
            return true
        }
    }

    @Test("A change wakes all who wait for its replica, and nobody else; a replica that goes on being pending wakes nobody")
    func wakesTheRight() async throws {
        let (one, other) = (try id(1), try id(2))
        try await withThrowingTaskGroup(of: (Int, ReplicaWaiters.Wake).self) { group in
            for number in 0..<6 {
                group.addTask { (number % 2, try await self.wait(for: number % 2 == 0 ? one : other)) }
            }
            try await arrived.until { $0 == 6 }
            await tell(.replica(one, Replica(id: one, status: .pending)))
            #expect(waiters.count == 6)
            await tell(.replica(one, nil))
            #expect(waiters.count == 3)
            for _ in 0..<3 {
                guard let (number, wake) = try await group.next(), number == 0, case .changed(nil) = wake else {
                    Issue.record("another was woken")
                    return
                }
            }
            await tell(.everything)
            for try await (number, wake) in group {
                guard number == 1, case .lookAgain = wake else {
                    Issue.record("woken by \(wake)")
                    return
                }
            }
        }
        #expect(waiters.count == 0)
    }

    @Test("A wait ends when its task is cancelled, as when the client hangs up")
    func cancelled() async throws {
        let id = try id()
        let task = Task { try await self.wait(for: id) }
        try await arrived.until { $0 == 1 }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(waiters.count == 0)
    }

    @Test("Who waits together with others counts as one who waits, up to the limit; those for whom a wait is counted do not count twice")
    func counts() async throws {
        let limits = ReplicaWaiters.Limits(total: 2, ofNetwork: 1)
        #expect(waiters.join(nil, limits))
        #expect(waiters.join(nil, limits))
        #expect(!waiters.join(nil, limits))
        #expect(waiters.refusal(nil, limits) == .overloaded)
        let id = try id()
        let wake = try await waiters.wait(for: id, isCounted: false) {
            #expect(waiters.count == 2)
            await tell(.everything)
            #expect(waiters.count == 2)
            return true
        }
        guard case .lookAgain = wake else {
            Issue.record("woken by \(wake)")
            return
        }
        waiters.leave([nil, nil])
        #expect(waiters.count == 0)
    }

    @Test(
        "A client network has its share of the waits, by itself and together with others, and gives it back; who stands for many has none")
    func shares() async throws {
        let limits = ReplicaWaiters.Limits(total: 100, ofNetwork: 2)
        let (one, other) = (ClientNetwork(IPAddress("192.0.2.1")), ClientNetwork(IPAddress("192.0.2.2")))
        let id = try id()
        #expect(waiters.join(one, limits))
        let wake = try await waiters.wait(for: id, sharer: one) {
            #expect(waiters.refusal(one, limits) == .share)
            #expect(!waiters.join(one, limits))
            #expect(waiters.refusal(other, limits) == nil)
            #expect(waiters.refusal(nil, limits) == nil)
            await tell(.stale(id))
            #expect(waiters.refusal(one, limits) == nil)
            return true
        }
        guard case .lookAgain = wake else {
            Issue.record("woken by \(wake)")
            return
        }
        #expect(waiters.join(one, limits))
        #expect(!waiters.join(one, limits))
        waiters.leave([one, one])
        _ = try await waiters.wait(for: id, sharer: one) {
            _ = try await waiters.wait(for: id, sharer: one) {
                #expect(waiters.refusal(one, limits) == .share)
                await tell(.everything)
                #expect(waiters.refusal(one, limits) == nil)
                return true
            }
            return false
        }
        #expect(waiters.count == 0)
    }

    @Test("The networks of a site have as much as three of them")
    func shareOfSite() {
        let limits = ReplicaWaiters.Limits(total: 100, ofNetwork: 1)
        let networks = (0..<4).map { ClientNetwork(IPAddress("2001:db8:1:\($0)::1")) }
        #expect(networks.map { waiters.join($0, limits) } == [true, true, true, false])
        waiters.leave([networks[0]])
        #expect(waiters.join(networks[3], limits))
    }
}
