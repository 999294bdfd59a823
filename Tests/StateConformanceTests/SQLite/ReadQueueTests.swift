import Dispatch
import Synchronization
import Testing

@testable import StateSQLite

@Suite("The queue of reads", .timeLimit(.minutes(1)))
struct ReadQueueTests {
    @Test("makes reads in their order")
    func order() async {
        let queue = ReadQueue(limit: 1)
        let seen = Mutex<[Int]>([])
        await withCheckedContinuation { (end: CheckedContinuation<Void, Never>) in
            for number in 1...1_000 {
                queue.add {
                    seen.withLock { $0.append(number) }
                    if number == 1_000 { end.resume() }
                }
            }
        }
        #expect(seen.withLock { $0 } == Array(1...1_000))
    }

    private final class Counts: Sendable {
        let running = Mutex((now: 0, most: 0))
    }

    @Test("makes as many reads at the same time as it may, and no more")
    func limit() async {
        let queue = ReadQueue(limit: 3)
        let counts = Counts()
        let together = DispatchSemaphore(value: 0)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    await withCheckedContinuation { (end: CheckedContinuation<Void, Never>) in
                        queue.add {
                            let now = counts.running.withLock { running in
                                running.now += 1
                                running.most = max(running.most, running.now)
                                return running.now
                            }
                            // Nobody goes on before the third is there.
                            if number < 3 {
                                if now == 3 { for _ in 0..<3 { together.signal() } }
                                together.wait()
                            }
                            counts.running.withLock { $0.now -= 1 }
                            end.resume()
                        }
                    }
                }
            }
        }
        #expect(counts.running.withLock { $0.most } == 3)
    }
}
