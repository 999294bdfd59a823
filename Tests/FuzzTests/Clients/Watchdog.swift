#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import Synchronization

/// Ends the process when something takes too long that was begun. It has a thread of its own: what hangs may hold all others.
final class Watchdog: Sendable {
    private let began = Mutex<[Int: ContinuousClock.Instant]>([:])
    private let isOver = Atomic(false)

    init(_ patience: Duration, _ name: String) {
        let thread = Thread { [weak self] in
            while let self, !self.isOver.load(ordering: .relaxed) {
                let late = self.began.withLock { began in began.filter { $0.value.duration(to: .now) > patience }.map(\.key) }
                if let worker = late.min() {
                    FileHandle.standardError.write(Data("Fatal error: \(name) hangs, worker \(worker)\n".utf8))
                    abort()
                }
                Thread.sleep(forTimeInterval: 0.5)
            }
        }
        thread.start()
    }

    func begin(_ number: Int) {
        began.withLock { $0[number] = .now }
    }

    func end(_ number: Int) {
        _ = began.withLock { $0.removeValue(forKey: number) }
    }

    func stop() {
        isOver.store(true, ordering: .relaxed)
    }
}
