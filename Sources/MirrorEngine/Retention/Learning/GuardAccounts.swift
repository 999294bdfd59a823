import Logging
import MirrorCore
import MirrorState
import Retention
import Synchronization

/// The accounts of classes in pools: those of all processes, as far as this one knows them, and what it has not added to them yet.
final class GuardAccounts: Sendable {
    private struct Book {
        /// Of all processes, as the state had them last.
        var sums: [String: Double] = [:]
        var isLoaded = false
        var added: [GuardedClasses.Key: GuardAccount] = [:]
        /// Those that may be overdrawn.
        var changed: Set<GuardedClasses.Key> = []
    }

    /// How often a list that others change at the same time is tried again.
    private static let maxAttempts = 10

    private let store: any ActivityStore
    private let learned: LearnedRetention
    private let logger: Logger
    private let book = Mutex(Book())

    init(store: any ActivityStore, learned: LearnedRetention, logger: Logger) {
        self.store = store
        self.learned = learned
        self.logger = logger
    }

    func add(_ account: GuardAccount, _ key: GuardedClasses.Key) {
        book.withLock { book in
            book.added[key, default: GuardAccount()].add(account)
            book.changed.insert(key)
        }
    }

    /// Takes what the state has, at the start and before each table.
    func load(_ sums: [String: Double]) {
        book.withLock { book in
            book.sums = sums
            book.isLoaded = true
        }
    }

    /// Of all processes.
    func account(_ key: GuardedClasses.Key) -> GuardAccount {
        book.withLock { Self.account($0, key) }
    }

    private static func account(_ book: Book, _ key: GuardedClasses.Key) -> GuardAccount {
        var account = GuardAccount(named: book.sums, artifactClass: key.artifactClass, pool: key.pool, isGuarded: false)
        if let added = book.added[key] { account.add(added) }
        return account
    }

    /// Adds to the accounts of all processes.
    func flush() async throws {
        let added = book.withLock { book in
            defer { book.added = [:] }
            return book.added
        }
        let deltas = added.reduce(into: [String: Double]()) { deltas, account in
            let named = account.value.added(
                since: GuardAccount(), artifactClass: account.key.artifactClass, pool: account.key.pool)
            deltas.merge(named) { $0 + $1 }
        }
        guard !deltas.isEmpty else { return }
        let sums = try await store.addSums(deltas)
        book.withLock { $0.sums.merge(sums) { _, new in new } }
    }

    /// Old merit fades, debts do not.
    ///
    /// - Parameter seconds: Since the last time.
    func fade(_ keys: [GuardedClasses.Key], _ seconds: Double) {
        book.withLock { book in
            for key in keys {
                let account = Self.account(book, key)
                var faded = account
                faded.fade(seconds)
                guard faded != account else { continue }
                book.added[key, default: GuardAccount()].add(faded.minus(account))
            }
        }
    }

    // MARK: The guard

    /// Guards the classes whose accounts have become overdrawn.
    ///
    /// - Parameter now: Seconds since 1970.
    func engage(at now: UInt32) async throws {
        let guarded = learned.lives.guarded
        let overdrawn = book.withLock { book -> [GuardedClasses.Key] in
            guard book.isLoaded else { return [] }
            defer { book.changed = [] }
            return book.changed.filter { guarded.since[$0] == nil && Self.account(book, $0).isOverdrawn }
        }
        guard !overdrawn.isEmpty else { return }
        try await changeGuarded { guarded in
            for key in overdrawn where guarded.since[key] == nil { guarded.since[key] = now }
        }
        logger.notice(
            "learned lives have cost too much: copies of some classes are kept for the break-even life again",
            metadata: ["classes": .stringConvertible(overdrawn.count)])
    }

    /// Frees the classes whose accounts are in order again, and guards the others.
    func review(_ keys: [GuardedClasses.Key], at now: UInt32) async throws {
        let overdrawn = book.withLock { book in Set(keys.filter { Self.account(book, $0).isOverdrawn }) }
        let guarded = learned.lives.guarded
        guard Set(guarded.since.keys) != overdrawn else { return }
        try await changeGuarded { guarded in
            guarded.since = guarded.since.filter { overdrawn.contains($0.key) }
            for key in overdrawn where guarded.since[key] == nil { guarded.since[key] = now }
        }
    }

    private func changeGuarded(_ change: (inout GuardedClasses) -> Void) async throws {
        for _ in 0..<Self.maxAttempts {
            let known = try await store.document(.guards)
            var guarded = known.map { GuardedClasses(encoded: $0.bytes) } ?? GuardedClasses()
            change(&guarded)
            guard try await store.replaceDocument(.guards, with: guarded.encoded, version: known?.number ?? 0) != nil else { continue }
            learned.change { $0.guarded = guarded }
            return
        }
    }
}
