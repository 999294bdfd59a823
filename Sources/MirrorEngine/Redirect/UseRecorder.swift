package import Logging
package import MirrorCore
package import MirrorState
import Synchronization

/// Remembers when replicas were last used, and writes that to the state store every second.
///
/// A use is written only if the last written one is older than ``coarseness``, so a hot replica costs one write in that time, however often it is
/// requested. The time grows while very many replicas are in use. At most one write runs at a time. The first use in each of ``ActivityPeriods`` is
/// also learned from.
package final class UseRecorder: Sendable {
    /// The maximum number of uses that wait to be written; more are dropped, which at worst lets a replica expire early.
    static let maxHeld = 100_000
    static let batch = 500
    /// Beyond so many uses in a second, ``coarseness`` grows.
    static let maxRate = 1_000

    private let state: any StateStore
    private let clock: any MirrorClock
    private let logger: Logger
    private let presence: PresenceCheck?
    private let activity: ActivityRecorder?
    private let coarseMilliseconds: Atomic<Int64>
    private let range: Mutex<ClosedRange<Duration>>
    private let held = Mutex<[ReplicaID: Use]>([:])
    private let isFailing = Mutex(false)
    private let isLooking = Atomic(false)

    private struct Use {
        let at: Timestamp
        /// Of the object.
        let bytes: Int64
        /// The last use before this one, and before those that it has replaced.
        var lastUsed: Timestamp
        /// Whether the state has it already.
        var isWritten = false
    }

    private typealias HeldUse = (id: ReplicaID, use: Use)

    /// - Parameters:
    ///   - coarseness: The range of ``coarseness``. It begins at the lower bound.
    ///   - presence: Checks that the objects of used replicas still exist.
    ///   - activity: Learns from uses how long replicas are worth keeping.
    package init(
        state: any StateStore, coarseness: ClosedRange<Duration>, presence: PresenceCheck? = nil, activity: ActivityRecorder? = nil,
        clock: any MirrorClock, logger: Logger
    ) {
        self.state = state
        self.presence = presence
        self.activity = activity
        coarseMilliseconds = Atomic(coarseness.lowerBound.wholeMilliseconds)
        range = Mutex(coarseness)
        self.clock = clock
        self.logger = logger
    }

    /// How old a written use must be before the next one is written.
    package var coarseness: Duration { .milliseconds(coarseMilliseconds.load(ordering: .relaxed)) }

    /// Replaces the range of ``coarseness``, which begins at the lower bound again.
    package func reload(coarseness new: ClosedRange<Duration>) {
        range.withLock { $0 = new }
        coarseMilliseconds.store(new.lowerBound.wholeMilliseconds, ordering: .relaxed)
    }

    /// Keeps writes below ``maxRate``, as far as the range allows: writing the uses of a million replicas twice a minute would take the time of all
    /// requests.
    ///
    /// - Parameter count: Uses that were due in the last second.
    func adapt(to count: Int) {
        multiplyCoarseness(by: min(max(Double(count) / Double(Self.maxRate), 0.95), 2))
    }

    private func multiplyCoarseness(by factor: Double) {
        let range = range.withLock { $0 }
        let next = min(max(coarseness * factor, range.lowerBound), range.upperBound)
        coarseMilliseconds.store(next.wholeMilliseconds, ordering: .relaxed)
    }

    /// Whether a use at `now` must be written.
    package func isDue(_ now: Timestamp, lastUsed: Timestamp) -> Bool {
        // A use in the future was written before the clock was set back.
        lastUsed > now || lastUsed.duration(to: now) >= coarseness
    }

    /// - Parameters:
    ///   - bytes: Of the object.
    ///   - lastUsed: The last use that the state store knows.
    package func record(_ id: ReplicaID, bytes: Int64, lastUsed: Timestamp) {
        let now = clock.now
        guard isDue(now, lastUsed: lastUsed) else { return }
        hold(Use(at: now, bytes: bytes, lastUsed: lastUsed), of: id)
    }

    /// A copy is about to be requested because there is no replica: the request is recorded as a use once the copy is there.
    ///
    /// - Returns: Whether this is the first of those that wait for it.
    func expectCopy(of id: ReplicaID) -> Bool { activity?.expect(id, at: clock.now) ?? false }

    /// The first of them has found that the copy is being made.
    func confirmCopy(of id: ReplicaID) async { await activity?.confirmExpected(id, state) }

    /// The first of them has found that no copy is being made.
    func forgetCopy(of id: ReplicaID) { activity?.dropExpected(id) }

    /// What is recorded of a request for an artifact that is not there, if a copy is not expected to pay; `nil` if it is copied
    /// (``ActivityRecorder/useWithoutCopy(of:at:)``).
    func useWithoutCopy(of id: ReplicaID) async throws -> (use: ActivityRecorder.Use, isGone: Bool)? {
        try await activity?.useWithoutCopy(of: id, at: clock.now)
    }

    /// Such a request was redirected to the origin.
    func recordWithoutCopy(_ use: ActivityRecorder.Use) { activity?.note(use) }

    /// Writes a use at once. What else is done after a use is done with the next ones.
    ///
    /// - Parameters:
    ///   - bytes: Of the object.
    ///   - lastUsed: The last use that the state store knows.
    func write(_ id: ReplicaID, bytes: Int64, lastUsed: Timestamp) async throws {
        let now = clock.now
        try await state.touch([ReplicaUse(id: id, at: now)])
        hold(Use(at: now, bytes: bytes, lastUsed: lastUsed, isWritten: true), of: id)
    }

    private func hold(_ use: Use, of id: ReplicaID) {
        let isTooMany = held.withLock { held in
            if let earlier = held[id] {
                var use = use
                use.lastUsed = earlier.lastUsed
                held[id] = use
                return false
            }
            guard held.count < Self.maxHeld else { return false }
            held[id] = use
            return held.count > 1 && held.count % (2 * Self.maxRate) == 1
        }
        // So many in less than a second: at once, because each of them costs more than its redirect.
        if isTooMany { multiplyCoarseness(by: 2) }
    }

    /// Writes the held uses every second until the task is cancelled, and once more then.
    package func run() async {
        while !Task.isCancelled {
            try? await clock.sleep(for: .seconds(1))
            let used = await flush()
            adapt(to: used.count)
            if !used.isEmpty, !Task.isCancelled { beginLooking(used) }
        }
    }

    /// Starts to check the objects of used replicas without waiting: a pool that hangs must not keep uses from being written. Only one check runs at
    /// a time; replicas that are skipped are checked after their next use.
    private func beginLooking(_ used: [ReplicaID]) {
        guard let presence, !isLooking.exchange(true, ordering: .relaxed) else { return }
        Task {
            await presence.lookAfterUse(used)
            isLooking.store(false, ordering: .relaxed)
        }
    }

    /// Writes the held uses now. Uses that cannot be written are kept for the next time.
    ///
    /// - Returns: The replicas whose uses were written.
    @discardableResult
    package func flush() async -> [ReplicaID] {
        let held = held.withLock { held in
            defer { held = [:] }
            return held
        }
        var (waiting, written): ([HeldUse], [HeldUse]) = ([], [])
        for (id, use) in held {
            if use.isWritten { written.append((id, use)) } else { waiting.append((id, use)) }
        }
        for start in stride(from: 0, to: waiting.count, by: Self.batch) {
            let batch = waiting[start..<min(start + Self.batch, waiting.count)]
            let uses = batch.map { ReplicaUse(id: $0.id, at: $0.use.at) }
            do {
                try await uncancelled { try await self.state.touch(uses) }
                isFailing.withLock { $0 = false }
                written += batch
            } catch {
                holdAgain(waiting[start...])
                // Logged once, not every second while the state is unavailable.
                let isFirst = isFailing.withLock { isFailing in
                    defer { isFailing = true }
                    return !isFailing
                }
                if isFirst { logger.warning("cannot record uses at the moment; they are kept in memory", metadata: ["error": "\(error)"]) }
                break
            }
        }
        await passOn(written)
        return written.map { $0.id }
    }

    private func holdAgain(_ uses: ArraySlice<HeldUse>) {
        held.withLock { held in
            for (id, use) in uses {
                if held[id] != nil {
                    held[id]?.lastUsed = use.lastUsed
                } else if held.count < Self.maxHeld {
                    held[id] = use
                }
            }
        }
    }

    /// Passes the first use in each period on to be learned from.
    private func passOn(_ uses: [HeldUse]) async {
        guard let activity else { return }
        let periods = ActivityPeriods(coarseness: coarseness, least: range.withLock { $0.lowerBound })
        let first = activity.learned.isOn ? uses.filter { periods.isFirst(of: $0.id.artifact, at: $0.use.at, after: $0.use.lastUsed) } : []
        await activity.record(first.map { ActivityRecorder.Use(id: $0.id, at: $0.use.at, bytes: $0.use.bytes) })
    }
}
