import MirrorCore
import NIOCore
import NIOPosix
import Synchronization

/// Shares threads among lookups of names, each of which occupies its thread while name servers are silent.
///
/// The names of one domain occupy a limited number of threads, and so do all names that have not answered recently. So names that have answered
/// recently always find a thread, however many domains with silent servers an attacker has. A domain whose servers were silent a moment ago occupies
/// one thread of either kind: to keep many threads busy, an attacker needs as many domains, or new ones all the time. Other lookups wait, and domains
/// take turns.
final class DomainTurns: Sendable {
    /// Gets whether the threads still exist; returns whether the name has answered, or `nil` if it was not asked.
    typealias Work = @Sendable (_ isActive: Bool) -> Bool?

    /// Names that wait for one another: the names of a domain that have answered recently do not wait for its other names.
    private struct Queue: Hashable {
        let domain: Substring
        let isKnown: Bool
    }

    private struct LookUp {
        let name: String
        let queue: Queue
        let work: Work
    }

    private struct State {
        var running: [Queue: Int] = [:]
        var unknownRunning = 0
        var waiting: [Queue: [LookUp]] = [:]
        var waitingCount = 0
        /// Queues with waiting lookups, in the order of their turns.
        var turns: [Queue] = []
        /// Names that answered at their last lookup.
        var known = RecentEntries<String, Bool>(capacity: 4_096)
        /// Domains in which a name has not answered in time, and until when that counts.
        var silent = RecentEntries<Substring, NIODeadline>(capacity: 1_024)
    }

    /// The number of lookups that may wait in total.
    private static let maxWaiting = 1_024
    /// The number of lookups in one domain that may wait.
    private static let maxWaitingPerDomain = 256
    /// How long a domain counts as silent: longer than the system's own timeout.
    private static let silence = TimeAmount.minutes(1)

    private let threads: NIOThreadPool
    private let perDomain: Int
    private let maxUnknown: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - perDomain: Threads that the names of one domain may occupy: those that have answered recently, and as many again for the others.
    ///   - maxUnknown: Threads that all names that have not answered recently may occupy together.
    init(threads: NIOThreadPool, perDomain: Int, maxUnknown: Int) {
        self.threads = threads
        self.perDomain = perDomain
        self.maxUnknown = maxUnknown
    }

    /// Runs `work` on a thread, now or in its turn.
    ///
    /// - Returns: `false` if too many lookups already wait; then `work` is never run.
    func run(for name: String, _ work: @escaping Work) -> Bool {
        let (isQueued, next) = state.withLock { state -> (Bool, LookUp?) in
            let queue = Queue(domain: Self.domain(of: name), isKnown: state.known[name] != nil)
            let waiting = state.waiting[queue]?.count ?? 0
            guard waiting < Self.maxWaitingPerDomain, state.waitingCount < Self.maxWaiting else { return (false, nil) }
            if waiting == 0 { state.turns.append(queue) }
            state.waiting[queue, default: []].append(LookUp(name: name, queue: queue, work: work))
            state.waitingCount += 1
            return (true, takeNext(&state))
        }
        if let next { submit(next) }
        return isQueued
    }

    /// Records that a name that is being looked up has not answered in time.
    func forget(_ name: String) {
        state.withLock { state in
            _ = state.known.remove(name)
            state.silent.insert(.now() + Self.silence, for: Self.domain(of: name))
        }
    }

    private func submit(_ lookUp: LookUp) {
        threads.submit { state in
            let hasAnswered = lookUp.work(state == .active)
            self.ended(lookUp, hasAnswered: hasAnswered)
        }
    }

    private func ended(_ lookUp: LookUp, hasAnswered: Bool?) {
        let next = state.withLock { state -> LookUp? in
            switch hasAnswered {
            case true: state.known.insert(true, for: lookUp.name)
            case false: _ = state.known.remove(lookUp.name)
            case nil: break
            }
            let running = state.running[lookUp.queue, default: 0] - 1
            state.running[lookUp.queue] = running > 0 ? running : nil
            if !lookUp.queue.isKnown { state.unknownRunning -= 1 }
            return takeNext(&state)
        }
        if let next { submit(next) }
    }

    /// Takes the next lookup that may begin.
    private func takeNext(_ state: inout State) -> LookUp? {
        let now = NIODeadline.now()
        let index = state.turns.firstIndex { queue in
            let isSilent = state.silent[queue.domain].map { now < $0 } ?? false
            return state.running[queue, default: 0] < (isSilent ? 1 : perDomain) && (queue.isKnown || state.unknownRunning < maxUnknown)
        }
        guard let index else { return nil }
        let queue = state.turns.remove(at: index)
        guard let next = state.waiting[queue]?.removeFirst() else { return nil }
        state.waitingCount -= 1
        if state.waiting[queue]?.isEmpty == true { state.waiting[queue] = nil } else { state.turns.append(queue) }
        state.running[queue, default: 0] += 1
        if !queue.isKnown { state.unknownRunning += 1 }
        return next
    }

    /// Second-level labels under which country registries register names.
    private static let registryLabels: Set<Substring> = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"]

    /// The last two labels, or three under `co.uk`, `com.au` and the like: a good enough guess at who owns the name servers.
    private static func domain(of name: String) -> Substring {
        let labels = name.utf8.split(separator: UInt8(ascii: "."))
        let isCountry =
            labels.count > 2 && labels[labels.count - 1].count == 2 && registryLabels.contains(Substring(labels[labels.count - 2]))
        let own = labels.suffix(isCountry ? 3 : 2)
        guard let first = own.first, let last = own.last else { return name[...] }
        return name[first.startIndex..<last.endIndex]
    }
}
