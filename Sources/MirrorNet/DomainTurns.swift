import NIOPosix
import Synchronization

/// Shares threads among blocking calls, of which those for the names of one domain hold some at most; the others wait their turn.
final class DomainTurns: Sendable {
    /// Told whether the threads are still there.
    typealias Work = @Sendable (_ isActive: Bool) -> Void

    private struct Domain {
        var running = 0
        var waiting: [Work] = []
    }

    /// Calls that may wait, of one domain.
    private static let maxWaiting = 256

    private let threads: NIOThreadPool
    private let perDomain: Int
    private let domains = Mutex<[Substring: Domain]>([:])

    init(threads: NIOThreadPool, perDomain: Int) {
        self.threads = threads
        self.perDomain = perDomain
    }

    /// Runs `work` on a thread, now or when it is its turn.
    ///
    /// - Returns: `false` when too many wait already; it is never run then.
    func run(for name: String, _ work: @escaping Work) -> Bool {
        let domain = Self.domain(of: name)
        let (isQueued, starts) = domains.withLock { domains in
            var entry = domains[domain, default: Domain()]
            defer { domains[domain] = entry }
            if entry.running < perDomain {
                entry.running += 1
                return (true, true)
            }
            guard entry.waiting.count < Self.maxWaiting else { return (false, false) }
            entry.waiting.append(work)
            return (true, false)
        }
        if starts { submit(work, domain) }
        return isQueued
    }

    private func submit(_ work: @escaping Work, _ domain: Substring) {
        threads.submit { state in
            work(state == .active)
            self.ended(domain)
        }
    }

    private func ended(_ domain: Substring) {
        let next = domains.withLock { domains -> Work? in
            guard var entry = domains[domain] else { return nil }
            if entry.waiting.isEmpty {
                entry.running -= 1
                domains[domain] = entry.running > 0 ? entry : nil
                return nil
            }
            let next = entry.waiting.removeFirst()
            domains[domain] = entry
            return next
        }
        if let next { submit(next, domain) }
    }

    /// The last two labels: near enough to who owns the name servers.
    private static func domain(of name: String) -> Substring {
        let labels = name.split(separator: ".", omittingEmptySubsequences: true).suffix(2)
        guard let first = labels.first, let last = labels.last else { return name[...] }
        return name[first.startIndex..<last.endIndex]
    }
}
