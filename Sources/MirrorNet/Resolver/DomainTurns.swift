import MirrorCore
import NIOCore
import NIOPosix
import Synchronization

/// Shares threads among look-ups of names, each of which holds its thread for as long as name servers are silent.
///
/// The names of one domain hold some threads at most. So do all names together that have not answered of late: those that have always find one,
/// however many domains somebody has whose servers are silent. A domain whose servers were silent a moment ago holds one thread of either kind: who wants to
/// keep many threads busy needs as many domains, or new ones all the time. Who may not begin waits, and domains take turns.
final class DomainTurns: Sendable {
    /// Told whether the threads are still there; says whether the name has answered, or `nil` where it was not asked.
    typealias Work = @Sendable (_ isActive: Bool) -> Bool?

    /// Names that wait for one another: those of a domain that have answered of late do not wait for the others.
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
        /// Queues in which somebody waits, in the order of their turns.
        var turns: [Queue] = []
        /// Names that answered when they were looked up last.
        var known = RecentEntries<String, Bool>(capacity: 4_096)
        /// Domains of which a name has not answered in time, and until when that counts.
        var silent = RecentEntries<Substring, NIODeadline>(capacity: 1_024)
    }

    /// Look-ups that may wait, in all.
    private static let maxWaiting = 1_024
    /// Of them those of one domain.
    private static let maxWaitingPerDomain = 256
    /// How long it counts that a name has not answered in time: longer than the system asks.
    private static let silence = TimeAmount.minutes(1)

    private let threads: NIOThreadPool
    private let perDomain: Int
    private let maxUnknown: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - perDomain: Threads that the names of one domain may hold: those that have answered of late, and as many again for the others.
    ///   - maxUnknown: Threads that all names may hold that have not answered of late.
    init(threads: NIOThreadPool, perDomain: Int, maxUnknown: Int) {
        self.threads = threads
        self.perDomain = perDomain
        self.maxUnknown = maxUnknown
    }

    /// Runs `work` on a thread, now or when it is its turn.
    ///
    /// - Returns: `false` when too many wait already; it is never run then.
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

    /// A name that is being looked up has not answered in time.
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

    /// Lets the next one begin that may.
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

    /// Second labels under which registries of countries give names away.
    private static let registryLabels: Set<Substring> = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"]

    /// The last two labels, or three under a country's `co.uk` or `com.au`: near enough to who owns the name servers.
    private static func domain(of name: String) -> Substring {
        let labels = name.utf8.split(separator: UInt8(ascii: "."))
        let isCountry =
            labels.count > 2 && labels[labels.count - 1].count == 2 && registryLabels.contains(Substring(labels[labels.count - 2]))
        let own = labels.suffix(isCountry ? 3 : 2)
        guard let first = own.first, let last = own.last else { return name[...] }
        return name[first.startIndex..<last.endIndex]
    }
}
