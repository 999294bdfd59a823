package import MirrorCore
import MirrorState
import Synchronization

/// Keeps the running copies of this process by origin, and decides which copy may begin and which must make room (decision 0011).
///
/// A copy holds one of `concurrency` slots, and one origin has at most `maxPerOrigin` running copies that are not slow. A copy that turns out to be
/// too slow (``CopyPace``) gives up its slot and continues: up to `slowConcurrency` copies run in addition to the slots. When there are that many and
/// another copy could begin, the slowest one ends. An origin that has lost its credit gets one slot. All origins that had a slow copy recently share
/// a quarter of the slots, so that the others find room however many are slow.
package final class CopySlots: Sendable {
    /// A running copy.
    final class Copy: Sendable {
        /// The lease as it was at the beginning.
        let lease: CopyLease
        let origin: CopyLane
        var lane: CopyLane { lease.lane }
        let progress: CopyProgress
        /// Notified when the copy must end to make room for others.
        let yielding = Signal()
        private let renewal: Mutex<ContinuousClock.Instant>

        fileprivate init(_ lease: CopyLease, _ progress: CopyProgress) {
            self.lease = lease
            origin = CopyLane(of: lease.id.artifact)
            self.progress = progress
            renewal = Mutex(progress.clock.instant)
        }

        /// When the lease was last extended, or the copy began.
        var renewed: ContinuousClock.Instant {
            get { renewal.withLock { $0 } }
            set { renewal.withLock { $0 = newValue } }
        }
    }

    /// What a worker may do next.
    enum Turn: Sendable, Equatable {
        /// Wait for a copy to end, or to give up its slot.
        case full
        /// Lease a job from any lane not in the first set; if there is none, not in the next set, and so on.
        case lease([Set<CopyLane>])
        /// End the slowest copy if a job is due in a lane other than these.
        case makeRoom(Set<CopyLane>)
    }

    private struct Running {
        let copy: Copy
        /// The slowest so far.
        var pace = CopyPace.quick
        var isYielding = false
        /// All its bytes have arrived, so it will soon end by itself.
        var isPublishing = false
        /// As last measured.
        var bytesPerSecond: Int64?

        var hasSlot: Bool { pace == .quick }
        var mayYield: Bool { !hasSlot && !isPublishing }
    }

    private struct State {
        var running: [ObjectIdentifier: Running] = [:]
        /// How many copies of each origin have given up their slot; the most recent origin is last.
        var slowed: [(origin: CopyLane, count: Int)] = []
    }

    /// How many origins with slow copies are remembered.
    private static let maxRemembered = 100

    private let configuration: CopyConfiguration
    private let credit: OriginCredit
    private let state = Mutex(State())
    /// How long the copies that have ended took.
    package let durations = CopyDurations()

    package init(_ configuration: CopyConfiguration, credit: OriginCredit) {
        self.configuration = configuration
        self.credit = credit
    }

    /// How many slots all slow origins share.
    private var slowShare: Int { max(1, configuration.concurrency / 4) }

    var turn: Turn { turn(ending: nil) }

    /// - Parameter copy: A copy that is about to end: its slot counts as free.
    func turn(ending copy: Copy?) -> Turn {
        state.withLock { state in
            var state = state
            if let copy { state.running[ObjectIdentifier(copy)] = nil }
            let holders = state.running.values.filter(\.hasSlot)
            guard holders.count < configuration.concurrency else { return .full }
            // Late copies load their origin as much as quick ones do.
            let byOrigin = Dictionary(grouping: state.running.values.filter { $0.pace != .slow }, by: \.copy.origin)
            var passed = Set(byOrigin.filter { $0.value.count >= configuration.slotsPerOrigin || !credit.isGood($0.key) }.keys)
            // Such a job may have crashed a process. Only one runs at a time, so that it does not take another one down with it.
            if holders.contains(where: { $0.copy.lane == .unfinished }) { passed.insert(.unfinished) }
            let slow = credit.slowOrigins
            if holders.count(where: { slow.contains($0.copy.origin) }) >= slowShare { passed.formUnion(slow) }
            if state.running.count >= configuration.concurrency + configuration.slowConcurrency {
                if state.running.values.contains(where: \.isYielding) || !state.running.values.contains(where: \.mayYield) { return .full }
                // A late copy does not end for an origin that is itself slow; otherwise, on a slow line, all copies would end one another.
                return .makeRoom(state.running.values.contains { $0.pace == .slow } ? passed : passed.union(slow))
            }
            // An origin without a running copy comes before one that has some.
            let busy = passed.union(byOrigin.keys)
            return .lease(busy == passed ? [passed] : [busy, passed])
        }
    }

    func begin(_ lease: CopyLease, _ progress: CopyProgress) -> Copy {
        let copy = Copy(lease, progress)
        state.withLock { $0.running[ObjectIdentifier(copy)] = Running(copy: copy) }
        return copy
    }

    /// - Returns: Whether it was still running.
    @discardableResult
    func end(_ copy: Copy) -> Bool {
        state.withLock { $0.running.removeValue(forKey: ObjectIdentifier(copy)) != nil }
    }

    /// A copy that has all its bytes no longer makes room for others, unless it has to be made another way.
    func setPublishing(_ copy: Copy, _ isPublishing: Bool) {
        state.withLock { $0.running[ObjectIdentifier(copy)]?.isPublishing = isPublishing }
    }

    /// Notes how fast a copy is. A copy that was too slow once stays marked as slow: otherwise its origin could gain slots by being fast now and
    /// then.
    ///
    /// - Returns: Whether this call makes the copy give up its slot.
    func measure(_ copy: Copy, bytesPerSecond: Int64, _ pace: CopyPace) -> Bool {
        state.withLock { state in
            guard var running = state.running[ObjectIdentifier(copy)] else { return false }
            let before = running.pace
            running.bytesPerSecond = bytesPerSecond
            running.pace = max(before, pace)
            state.running[ObjectIdentifier(copy)] = running
            // Noted each time: the origin counts as slow for as long as the copy runs.
            if running.pace != .quick { credit.noteSlow(copy.origin) }
            guard running.pace > before else { return false }
            if pace == .slow { credit.lose(copy.origin) }
            guard before == .quick else { return false }
            Self.remember(copy.origin, &state)
            return true
        }
    }

    private static func remember(_ origin: CopyLane, _ state: inout State) {
        let index = state.slowed.firstIndex { $0.origin == origin }
        let count = index.map { state.slowed.remove(at: $0).count } ?? 0
        state.slowed.append((origin, count + 1))
        if state.slowed.count > maxRemembered { state.slowed.removeFirst() }
    }

    /// The leases of the running copies.
    var leases: [CopyLease] { state.withLock { $0.running.values.map(\.copy.lease) } }

    /// Whether a copy must end because origins wait for the memory that it holds.
    func mustYield(_ copy: Copy, to origins: Set<CopyLane>) -> Bool {
        guard !origins.isEmpty else { return false }
        return state.withLock { state in
            guard let running = state.running[ObjectIdentifier(copy)], running.mayYield else { return false }
            // As with slots: a late copy does not end for an origin that is itself slow.
            return running.pace == .slow || !origins.isSubset(of: credit.slowOrigins)
        }
    }

    /// Tells the slowest copy to end.
    func yieldSlowest() {
        let copy = state.withLock { state -> Copy? in
            let slowest = state.running.filter { $0.value.mayYield && !$0.value.isYielding }
                .min { ($1.value.pace, $0.value.bytesPerSecond ?? 0) < ($0.value.pace, $1.value.bytesPerSecond ?? 0) }
            guard let slowest else { return nil }
            state.running[slowest.key]?.isYielding = true
            return slowest.value.copy
        }
        copy?.yielding.notify()
    }

    // MARK: Status

    /// A copy that is running now.
    package struct RunningCopy: Sendable, Equatable {
        package let id: ReplicaID
        /// From 1.
        package let attempt: Int
        /// The artifact's size in bytes; `nil` until the origin has stated it.
        package let size: Int64?
        /// The bytes that have arrived in this process.
        package let received: Int64
        /// Whether the pool's service makes the copy, so that no byte arrives in this process.
        package let isInService: Bool
        /// Whether all bytes have arrived, and the object is being made visible.
        package let isPublishing: Bool
        package let elapsed: Duration
    }

    /// The running copies; those that have run longest first.
    package var copies: [RunningCopy] {
        let running = state.withLock { Array($0.running.values) }
        return running.map { running in
            let (lease, progress, arrival) = (running.copy.lease, running.copy.progress, running.copy.progress.arrival)
            return RunningCopy(
                id: lease.id, attempt: lease.attempt, size: arrival.size, received: arrival.bytes, isInService: arrival.isInService,
                isPublishing: running.isPublishing, elapsed: progress.elapsed)
        }.sorted { ($1.elapsed, $0.id.description) < ($0.elapsed, $1.id.description) }
    }

    /// The copies of one origin.
    package struct OriginCopies: Sendable, Equatable {
        package let origin: String
        /// Copies that are running now.
        package var running = 0
        /// Those of them that gave up their slot.
        package var slow = 0
        /// The speed of all of them together, as last measured.
        package var bytesPerSecond: Int64 = 0
        /// Copies that gave up their slot since the process started.
        package var slowed = 0
    }

    /// Origins that have running copies, or were slow; those with the most slow copies first.
    package var origins: [OriginCopies] {
        let (running, slowed) = state.withLock { ($0.running.values.map { $0 }, $0.slowed) }
        var origins: [CopyLane: OriginCopies] = [:]
        func change(_ origin: CopyLane, _ body: (inout OriginCopies) -> Void) {
            body(&origins[origin, default: OriginCopies(origin: origin.description)])
        }
        for copy in running {
            change(copy.copy.origin) {
                $0.running += 1
                if !copy.hasSlot { $0.slow += 1 }
                $0.bytesPerSecond += copy.bytesPerSecond ?? 0
            }
        }
        for (origin, count) in slowed { change(origin) { $0.slowed = count } }
        return origins.values.sorted { ($1.slow, $1.slowed, $1.running, $0.origin) < ($0.slow, $0.slowed, $0.running, $1.origin) }
    }
}
