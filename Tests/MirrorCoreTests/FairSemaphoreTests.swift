import Synchronization
import Testing

@testable import MirrorCore

@Suite("Fair semaphore", .timeLimit(.minutes(1)))
struct FairSemaphoreTests {
    private final class Notes: Sendable {
        let order = Mutex<[Int]>([])
        let holding = Mutex((now: 0, most: 0, total: 0))
    }

    private let semaphore = FairSemaphore<String>(limit: 2)
    private let notes = Notes()

    /// Returns when as many wait for a permit of the key.
    private func waiting(_ key: String, _ count: Int) async throws {
        while semaphore.waitingCount(key) != count {
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test("A key has so many permits, which go to those who wait in the order of their coming; another key has its own")
    func excludes() async throws {
        for _ in 0..<2 { try await semaphore.acquire("a") }
        #expect(try await semaphore.withPermit("b") { 1 } == 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await semaphore.acquire("a")
                    notes.order.withLock { $0.append(number) }
                    semaphore.release("a")
                }
                try await waiting("a", number + 1)
            }
            semaphore.release("a")
            try await group.waitForAll()
        }
        #expect(notes.order.withLock { $0 } == Array(0..<20))
        #expect(semaphore.keyCount == 1)
        semaphore.release("a")
        #expect(semaphore.keyCount == 0)
    }

    @Test("A permit that is free is taken at once, and one that is not is not waited for")
    func takesAtOnce() async throws {
        for _ in 0..<2 { #expect(semaphore.acquireNow("a")) }
        #expect(!semaphore.acquireNow("a"))
        #expect(semaphore.acquireNow("b"))
        let waiter = Task { try await semaphore.acquire("a") }
        try await waiting("a", 1)
        // It goes to who has waited.
        semaphore.release("a")
        try await waiter.value
        #expect(!semaphore.acquireNow("a"))
        for key in ["a", "a", "b"] { semaphore.release(key) }
        #expect(semaphore.keyCount == 0)
    }

    @Test("Of several keys all are held, and all given back, also when one of them is not to be had")
    func several() async throws {
        for _ in 0..<2 { try await semaphore.acquire("b") }
        let task = Task { try await semaphore.withPermits(["a", "b"]) {} }
        try await waiting("b", 1)
        #expect(semaphore.keyCount == 2)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(semaphore.keyCount == 1)
        semaphore.release("b")
        try await semaphore.withPermits(["a", "b"]) { #expect(semaphore.keyCount == 2) }
        semaphore.release("b")
        #expect(semaphore.keyCount == 0)
    }

    @Test("Whoever is cancelled leaves at once, and nothing of it stays, however many come and leave while nobody gives a permit back")
    func leaves() async throws {
        for _ in 0..<2 { try await semaphore.acquire("a") }
        let last = Task { try await semaphore.withPermit("a") { "had its turn" } }
        try await waiting("a", 1)
        for _ in 0..<1_000 {
            let task = Task { try await semaphore.acquire("a") }
            try await waiting("a", 2)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(semaphore.placeCount("a") < 50)
        let early = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await semaphore.acquire("a")
        }
        await #expect(throws: CancellationError.self) { try await early.value }
        semaphore.release("a")
        #expect(try await last.value == "had its turn")
        semaphore.release("a")
        #expect(semaphore.keyCount == 0)
    }

    @Test("A thousand tasks at the same time never hold more than there are, and all have their turn")
    func contention() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    try await semaphore.withPermit(number.isMultiple(of: 2) ? "a" : "b") {
                        notes.holding.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1), $0.total + 1) }
                        await Task.yield()
                        notes.holding.withLock { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(notes.holding.withLock { $0.most } <= 4)
        #expect(notes.holding.withLock { $0.total } == 1_000)
        #expect(semaphore.keyCount == 0)
    }
}
