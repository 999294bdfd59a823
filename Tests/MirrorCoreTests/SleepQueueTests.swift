import Testing

@testable import MirrorCore

@Suite("Many sleepers and few timers", .timeLimit(.minutes(1)))
struct SleepQueueTests {
    private enum Caller {
        @TaskLocal static var name: String?
    }

    private let queue = SleepQueue()

    @Test("A sleeper is woken once its time has come, and not before")
    func time() async throws {
        let end = ContinuousClock.now + .milliseconds(30)
        try await queue.sleep(until: end)
        #expect(ContinuousClock.now >= end)
        #expect(queue.places == 0)
        #expect(queue.timers == 0)
    }

    @Test("A time that is past is no sleep")
    func past() async throws {
        try await queue.sleep(until: .now - .seconds(1))
        #expect(queue.timers == 0)
    }

    @Test("Whoever sleeps less is woken first, whoever came first")
    func order() async throws {
        let start = ContinuousClock.now
        let woken = await withTaskGroup { group in
            for step in [50, 10, 40, 20, 30] {
                group.addTask { [queue] in
                    let end = start + .milliseconds(step)
                    try? await queue.sleep(until: end)
                    #expect(ContinuousClock.now >= end)
                    return step
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(woken.sorted() == [10, 20, 30, 40, 50])
        #expect(queue.places == 0)
    }

    @Test("Whoever is cancelled leaves at once, before or during its sleep")
    func cancelled() async throws {
        let sleeper = Task { [queue] in try await queue.sleep(until: .now + .seconds(3_600)) }
        while queue.sleepers == 0, !Task.isCancelled { await Task.yield() }
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        let late = Task { [queue] in
            withUnsafeCurrentTask { $0?.cancel() }
            try await queue.sleep(until: .now + .seconds(3_600))
        }
        await #expect(throws: CancellationError.self) { try await late.value }
    }

    @Test("Fifty thousand limits that are taken back leave one timer, and room for a thousand, behind")
    func takenBack() async throws {
        let end = ContinuousClock.now + .seconds(3_600)
        for _ in 0..<500 {
            await withTaskGroup { group in
                for _ in 0..<100 {
                    group.addTask { [queue] in try? await queue.sleep(until: end) }
                }
                while queue.sleepers < 100, !Task.isCancelled { await Task.yield() }
                group.cancelAll()
            }
        }
        #expect(queue.sleepers == 0)
        #expect(queue.timers == 1)
        #expect(queue.places <= 1_300)
    }

    @Test("A limit that ends after one that was taken back is still kept")
    func after() async throws {
        let first = Task { [queue] in try await queue.sleep(until: .now + .milliseconds(20)) }
        while queue.sleepers == 0, !Task.isCancelled { await Task.yield() }
        first.cancel()
        let end = ContinuousClock.now + .milliseconds(60)
        try await queue.sleep(until: end)
        #expect(ContinuousClock.now >= end)
        #expect(queue.timers == 0)
    }

    @Test("A timer calls when its time has come, and not before, and one whose time is past calls soon")
    func timer() async throws {
        let (calls, call) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        var called = calls.makeAsyncIterator()
        let end = ContinuousClock.now + .milliseconds(30)
        _ = queue.timer(at: end) { call.yield(.now) }
        let first = await called.next()
        #expect(try #require(first) >= end)
        _ = queue.timer(at: .now - .seconds(1)) { call.yield(.now) }
        let second = await called.next()
        #expect(second != nil)
        #expect(queue.sleepers == 0)
    }

    @Test("A timer calls in nobody's task: it finds no values of whoever set it")
    func timerInNoTask() async throws {
        let name = FirstValue<String?>()
        setTimer { name.give(Caller.name) }
        #expect(await name.value() == nil)
    }

    private func setTimer(_ action: @escaping @Sendable () -> Void) {
        Caller.$name.withValue("first") { _ = queue.timer(at: .now, action) }
    }

    @Test("A timer that was cancelled calls nothing, and fifty thousand of them leave no more behind than sleepers do")
    func cancelledTimers() async throws {
        let (calls, call) = AsyncStream.makeStream(of: String.self)
        queue.timer(at: .now + .milliseconds(10)) { call.yield("cancelled") }.cancel()
        _ = queue.timer(at: .now + .milliseconds(30)) { call.yield("kept") }
        var called = calls.makeAsyncIterator()
        let first = await called.next()
        #expect(first == "kept")
        let end = ContinuousClock.now + .seconds(3_600)
        for _ in 0..<50_000 { queue.timer(at: end) {}.cancel() }
        #expect(queue.sleepers == 0)
        #expect(queue.timers == 1)
        #expect(queue.places <= 1_001)
    }
}
