import MirrorCore
import MirrorTesting
import Synchronization
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Questions that are asked once for all", .timeLimit(.minutes(1)))
struct SharedLooksTests {
    private let clock = ManualClock()
    private let looks: SharedLooks<String, Int>

    init() {
        looks = SharedLooks(life: .seconds(5), patience: .seconds(2), clock: clock)
    }

    /// Counts its looks, and waits in each until it is told to go on.
    private final class Question: Sendable {
        let count = Mutex(0)
        let gate = Signal()

        func look() async -> Int {
            count.withLock { $0 += 1 }
            await gate.wait(upTo: nil, clock: ManualClock())
            return count.withLock { $0 }
        }
    }

    @Test("Those who ask at the same time share one look, and those who ask within its life its answer")
    func shares() async {
        let asked = Mutex(0)
        let look: @Sendable () async -> Int = {
            asked.withLock {
                $0 += 1; return $0
            }
        }
        for round in 1...3 {
            await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<20 { group.addTask { await looks.answer("a", look) } }
                for await answer in group { #expect(answer == round) }
            }
            clock.advance(by: .milliseconds(4_999))
            #expect(await looks.answer("a", look) == round)
            clock.advance(by: .milliseconds(1))
        }
        #expect(asked.withLock { $0 } == 3)
        _ = await looks.answer("b", look)
        #expect(asked.withLock { $0 } == 4, "another question")
    }

    @Test("A clock that is set, forwards or back, changes nothing of an answer's life")
    func clockBack() async {
        let asked = Mutex(0)
        let look: @Sendable () async -> Int = {
            asked.withLock {
                $0 += 1; return $0
            }
        }
        #expect(await looks.answer("a", look) == 1)
        for step in [-3_600, 7_200] {
            clock.setTime(by: .seconds(step))
            #expect(await looks.answer("a", look) == 1)
        }
        clock.advance(by: .seconds(5))
        #expect(await looks.answer("a", look) == 2)
    }

    @Test("A look that hangs keeps nobody waiting, and goes on alone")
    func hangs() async throws {
        let question = Question()
        let first = Task { await looks.answer("a") { await question.look() } }
        let second = Task { await looks.answer("a") { await question.look() } }
        await clock.sleepers(1)
        // Until both wait there is nothing to tell them apart by.
        clock.advance(by: .seconds(2))
        #expect(await first.value == nil)
        #expect(await second.value == nil)
        #expect(await looks.answer("a") { await question.look() } == nil)
        #expect(question.count.withLock { $0 } == 1)
        question.gate.notify()
        try await eventually("the look has ended") { await looks.answer("a") { await question.look() } != nil }
        #expect(question.count.withLock { $0 } == 1, "what it found in the end stands")
    }

    @Test("A look outlives whoever asked")
    func cancelled() async {
        let question = Question()
        let first = Task { await looks.answer("a") { await question.look() } }
        await clock.sleepers(1)
        first.cancel()
        let second = Task { await looks.answer("a") { await question.look() } }
        question.gate.notify()
        #expect(await second.value == 1)
        #expect(await first.value == 1)
    }
}
