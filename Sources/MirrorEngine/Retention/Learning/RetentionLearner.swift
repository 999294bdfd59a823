package import Logging
package import MirrorCore
package import MirrorState
import Retention
import Synchronization

/// Adds what is observed to the sums of all processes, and makes a table of them: one process does that once a day, and when there is none yet.
package final class RetentionLearner: Sendable {
    private static let interval = Duration.seconds(60)
    /// Long enough for a pass over all records.
    private static let leaseLife = Duration.seconds(600)
    /// Between tables, in seconds.
    static let tableLife = 86_400.0
    /// How often it is looked whether there is enough for the first table, in seconds.
    private static let firstLook = 3_600.0
    /// From when on an old table is worth a warning, in seconds.
    static let staleAge = 3 * 86_400.0

    private let store: any ActivityStore
    private let learned: LearnedRetention
    private let recorder: ActivityRecorder
    private let name: String
    private let clock: any MirrorClock
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var tableVersion: Int64 = 0
        var guardsVersion: Int64 = 0
        var isLoaded = false
        var holdsLease = false
        var isStale = false
        /// When it was looked last whether there is enough for the first table.
        var looked = -Double.infinity
        var isFailing = false
    }

    /// - Parameter name: Of this process, unlike that of any other.
    package init(
        store: any ActivityStore, learned: LearnedRetention, recorder: ActivityRecorder, name: String, clock: any MirrorClock,
        logger: Logger
    ) {
        self.store = store
        self.learned = learned
        self.recorder = recorder
        self.name = name
        self.clock = clock
        self.logger = logger
    }

    /// Whether this process is the one that computes, and counts what all pools cost.
    package var isComputing: Bool { state.withLock { $0.holdsLease } }

    /// Runs until the task is cancelled; then it adds the remaining sums and gives the right to compute back.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in await self.store.activityChanges() { await self.attempt { try await self.refresh() } }
            }
            while !Task.isCancelled {
                await step()
                try? await clock.sleep(for: Self.interval)
            }
            group.cancelAll()
        }
        await uncancelled {
            await self.recorder.flush(at: self.clock.now)
            if self.isComputing { try? await self.store.giveBackComputingLease(self.name) }
        }
    }

    /// What is done every minute.
    package func step() async {
        await recorder.flush(at: clock.now)
        await attempt {
            try await self.refresh()
            if self.learned.isOn { try await self.recorder.refreshClasses() }
            if self.learned.isOn, !self.state.withLock({ $0.isLoaded }) {
                self.recorder.accounts.load(try await self.store.sums())
                self.state.withLock { $0.isLoaded = true }
            }
            let holdsLease = try await self.store.takeComputingLease(self.name, duration: Self.leaseLife)
            self.state.withLock { $0.holdsLease = holdsLease }
            guard holdsLease, self.learned.isOn else { return }
            let now = Double(self.clock.now.milliseconds) / 1_000
            // A table of the future was made by a clock that was wrong.
            let age = self.learned.lives.table.map { now - $0.time } ?? .infinity
            guard age >= Self.tableLife || age < -Self.tableLife else { return }
            if age.isFinite {
                try await self.makeTable(at: now)
            } else if try await self.isEnough(at: now) {
                try await self.makeTable(at: now)
            }
        }
        warnIfStale()
    }

    /// Reads what other processes have computed.
    ///
    /// What this process has read before and is no longer there was lost with the state: then nothing is known, as at the first start. Otherwise this
    /// process would keep its replicas by a table that no other one has, and that it could not replace.
    func refresh() async throws {
        let known = state.withLock { $0 }
        if let found = try await store.document(.table) {
            if found.number != known.tableVersion {
                if let table = LearnedTable(encoded: found.bytes) { learned.change { $0.table = table } }
                state.withLock { $0.tableVersion = found.number }
            }
        } else if known.tableVersion != 0 {
            learned.change { $0.table = nil }
            state.withLock { ($0.tableVersion, $0.isLoaded) = (0, false) }
            logger.warning("what was learned about how long copies are worth keeping is lost; it is learned again")
        }
        if let found = try await store.document(.guards) {
            if found.number != known.guardsVersion {
                let guarded = GuardedClasses(encoded: found.bytes)
                if guarded != learned.lives.guarded { learned.change { $0.guarded = guarded } }
                state.withLock { $0.guardsVersion = found.number }
            }
        } else if known.guardsVersion != 0 {
            learned.change { $0.guarded = GuardedClasses() }
            state.withLock { $0.guardsVersion = 0 }
        }
    }

    // MARK: Tables

    /// Whether the first use was a day ago: a table of nothing would be worse than none.
    private func isEnough(at now: Double) async throws -> Bool {
        let isDue = state.withLock { state in
            guard now - state.looked >= Self.firstLook else { return false }
            state.looked = now
            return true
        }
        guard isDue else { return false }
        var after: ActivityKey?
        repeat {
            let page = try await store.activityPage(after: after)
            if page.entries.contains(where: { Double($0.record.firstSeen) + Self.tableLife <= now }) { return true }
            after = page.next
        } while after != nil
        return false
    }

    /// Makes a table of all that was observed, and publishes it.
    ///
    /// - Parameter now: Seconds since 1970.
    func makeTable(at now: Double) async throws {
        let began = clock.instant
        let classes = try await store.addClasses([])
        let numbers = Dictionary(classes.enumerated().map { (ActivityRecord.number(of: $1), UInt32($0)) }) { first, _ in first }
        let named = try await store.sums()
        recorder.accounts.load(named)
        var maker = TableMaker(ContextSums(named: named, at: now, classes: numbers), at: now)
        var keys: Set<GuardedClasses.Key> = []
        var after: ActivityKey?
        repeat {
            let page = try await store.activityPage(after: after)
            for record in page.entries.map(\.record) {
                // A class that is not in the list counts for all of them together.
                let artifactClass = numbers[record.artifactClass] ?? UInt32(classes.count)
                for uses in record.pools {
                    maker.addWaiting(Context(artifactClass, stored: uses.place), since: Double(uses.clock))
                    keys.insert(GuardedClasses.Key(artifactClass: record.artifactClass, pool: uses.pool))
                }
            }
            after = page.next
            _ = try await store.takeComputingLease(name, duration: Self.leaseLife)
        } while after != nil
        let table = maker.learned(classes: classes)
        let previous = learned.lives.table?.time
        let version = state.withLock { $0.tableVersion }
        guard let new = try await store.replaceDocument(.table, with: table.encoded, version: version) else { return try await refresh() }
        learned.change { $0.table = table }
        state.withLock { $0.tableVersion = new }
        recorder.accounts.fade(Array(keys), min(max(0, now - (previous ?? now)), 30 * Self.tableLife))
        try await recorder.accounts.flush()
        try await recorder.accounts.review(Array(keys.union(learned.lives.guarded.since.keys)), at: UInt32(clamping: Int64(now)))
        try await store.removeSums(ContextSums.outdated(named.keys, at: now))
        logger.info(
            "learned how long copies are worth keeping",
            metadata: [
                "classes": .stringConvertible(classes.count), "contexts": .stringConvertible(table.nodes.count),
                "guarded": .stringConvertible(learned.lives.guarded.since.count),
                "milliseconds": .stringConvertible(began.duration(to: clock.instant).wholeMilliseconds),
            ])
    }

    /// An old table stays in force.
    private func warnIfStale() {
        guard learned.isOn, let time = learned.lives.table?.time else { return }
        let age = Double(clock.now.milliseconds) / 1_000 - time
        let isNew = state.withLock { state in
            defer { state.isStale = age > Self.staleAge }
            return age > Self.staleAge && !state.isStale
        }
        guard isNew else { return }
        logger.warning(
            "how long copies are worth keeping has not been learned again for three days; the previous table stays in force",
            metadata: ["since": "\(Timestamp(seconds: time).iso8601)"])
    }

    private func attempt(_ body: @escaping @Sendable () async throws -> Void) async {
        do {
            try await body()
            state.withLock { $0.isFailing = false }
        } catch {
            guard !Task.isCancelled else { return }
            let isFirst = state.withLock { state in
                defer { state.isFailing = true }
                return !state.isFailing
            }
            if isFirst {
                logger.warning("cannot learn how long copies are worth keeping at the moment", metadata: ["error": "\(error)"])
            }
        }
    }
}
