import MirrorCore
import MirrorState
import Synchronization

/// Which copies of this process are under way, by origin: who may begin, and who makes room (decision 0011).
///
/// A copy holds one of `concurrency` slots, and `maxPerOrigin` copies of one origin are under way at most. A copy that has turned out to be too slow
/// (``CopyPace``) gives its slot up and goes on: up to `slowConcurrency` copies more than there are slots. When there are that many and another copy could
/// begin, the slowest one ends. An origin that has lost its credit has one slot. All origins of which a copy was too slow of late have a quarter of the slots
/// together: the others find room, however many are slow.
package final class CopySlots: Sendable {
    /// A copy under way.
    final class Copy: Sendable {
        /// As it was at the beginning.
        let lease: CopyLease
        let origin: CopyLane
        var lane: CopyLane { lease.lane }
        let progress: CopyProgress
        /// Notified when it is to end for the sake of others.
        let yielding = Signal()

        fileprivate init(_ lease: CopyLease, _ progress: CopyProgress) {
            self.lease = lease
            origin = CopyLane(of: lease.id.artifact)
            self.progress = progress
        }
    }

    /// What a worker may do next.
    enum Turn: Sendable, Equatable {
        /// Wait for a copy to end, or to give its slot up.
        case full
        /// Lease a job, passing over these lanes; where there is none, the next of these.
        case lease([Set<CopyLane>])
        /// Let the slowest copy end if there is a job for its place in other lanes than these.
        case makeRoom(Set<CopyLane>)
    }

    private struct Running {
        let copy: Copy
        /// The worst so far.
        var pace = CopyPace.quick
        var isYielding = false
        /// All of its bytes are there: it ends by itself soon.
        var isPublishing = false
        /// As last measured.
        var bytesPerSecond: Int64?

        var hasSlot: Bool { pace == .quick }
        var mayYield: Bool { !hasSlot && !isPublishing }
    }

    private struct State {
        var running: [ObjectIdentifier: Running] = [:]
        /// How many copies of an origin have given their slot up, the origin that did so last at the end.
        var slowed: [(origin: CopyLane, count: Int)] = []
    }

    /// Origins that are remembered for having been slow.
    private static let maxRemembered = 100

    private let configuration: CopyConfiguration
    private let credit: OriginCredit
    private let state = Mutex(State())

    package init(_ configuration: CopyConfiguration, credit: OriginCredit) {
        self.configuration = configuration
        self.credit = credit
    }

    /// Slots of all slow origins together.
    private var slowShare: Int { max(1, configuration.concurrency / 4) }

    var turn: Turn {
        state.withLock { state in
            let holders = state.running.values.filter(\.hasSlot)
            guard holders.count < configuration.concurrency else { return .full }
            // Those that are merely late load their origin as much as others do.
            let byOrigin = Dictionary(grouping: state.running.values.filter { $0.pace != .slow }, by: \.copy.origin)
            var passed = Set(byOrigin.filter { $0.value.count >= configuration.slotsPerOrigin || !credit.isGood($0.key) }.keys)
            // One of these may have ended a process. Alone it takes nobody with it twice.
            if holders.contains(where: { $0.copy.lane == .unfinished }) { passed.insert(.unfinished) }
            let slow = credit.slowOrigins
            if holders.count(where: { slow.contains($0.copy.origin) }) >= slowShare { passed.formUnion(slow) }
            if state.running.count >= configuration.concurrency + configuration.slowConcurrency {
                if state.running.values.contains(where: \.isYielding) || !state.running.values.contains(where: \.mayYield) { return .full }
                // What is merely late ends for no origin that is slow itself: on a slow line all copies would end one another.
                return .makeRoom(state.running.values.contains { $0.pace == .slow } ? passed : passed.union(slow))
            }
            // An origin of which nothing is under way goes before one that has had its turn.
            let busy = passed.union(byOrigin.keys)
            return .lease(busy == passed ? [passed] : [busy, passed])
        }
    }

    func begin(_ lease: CopyLease, _ progress: CopyProgress) -> Copy {
        let copy = Copy(lease, progress)
        state.withLock { $0.running[ObjectIdentifier(copy)] = Running(copy: copy) }
        return copy
    }

    func end(_ copy: Copy) {
        state.withLock { _ = $0.running.removeValue(forKey: ObjectIdentifier(copy)) }
    }

    /// A copy that has all of its bytes makes no room for others any more, unless it has to be made another way.
    func setPublishing(_ copy: Copy, _ isPublishing: Bool) {
        state.withLock { $0.running[ObjectIdentifier(copy)]?.isPublishing = isPublishing }
    }

    /// Notes how fast a copy is. One that was too slow once stays so: otherwise its origin could win slots by hurrying now and then.
    ///
    /// - Returns: Whether it gives its slot up by this call.
    func measure(_ copy: Copy, bytesPerSecond: Int64, _ pace: CopyPace) -> Bool {
        state.withLock { state in
            guard var running = state.running[ObjectIdentifier(copy)] else { return false }
            let before = running.pace
            running.bytesPerSecond = bytesPerSecond
            running.pace = max(before, pace)
            state.running[ObjectIdentifier(copy)] = running
            // Each time: for as long as it runs its origin is slow.
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

    /// Of the copies under way.
    var leases: [CopyLease] { state.withLock { $0.running.values.map(\.copy.lease) } }

    /// Whether a copy is to end for the sake of origins that wait for the memory that it holds.
    func mustYield(_ copy: Copy, to origins: Set<CopyLane>) -> Bool {
        guard !origins.isEmpty else { return false }
        return state.withLock { state in
            guard let running = state.running[ObjectIdentifier(copy)], running.mayYield else { return false }
            // As for a place: what is merely late does not end for one that is slow itself.
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

    // MARK: For people who look

    /// The copies of one origin.
    package struct OriginCopies: Sendable, Equatable {
        package let origin: String
        /// Under way now.
        package var running = 0
        /// Those of them that gave their slot up.
        package var slow = 0
        /// Of all of them, as last measured.
        package var bytesPerSecond: Int64 = 0
        /// Copies that gave their slot up since the start.
        package var slowed = 0
    }

    /// Origins of which copies are under way, or that were slow; those with most slow copies first.
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
