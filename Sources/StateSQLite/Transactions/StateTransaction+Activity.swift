import GRDB
import MirrorCore
import MirrorState

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is learnt about lives; see ``ActivityStore``.
extension StateTransaction {
    /// Records that one call drops beyond what it has added: all that are too many are only so after the history was configured to be shorter.
    private static let maxDropped = 1_000

    // MARK: Records

    /// - Returns: `nil` for an unknown artifact, and for one whose record cannot be read: nothing depends on it but money.
    func activity(_ key: ActivityKey) throws -> ActivityRecord? { try storedActivity(key)?.record }

    private struct StoredActivity {
        let clock: Int64?
        /// `nil` if it cannot be read.
        let record: ActivityRecord?
    }

    /// - Returns: `nil` for an unknown artifact.
    private func storedActivity(_ key: ActivityKey) throws -> StoredActivity? {
        let statement = try db.cachedStatement(sql: "SELECT clock, record FROM activity WHERE key = ?")
        return try statement.first([Self.blob(key.bytes)]) { row in
            StoredActivity(clock: row.integer(0), record: row.bytes(1).flatMap { ActivityRecord(bytes: $0) })
        }
    }

    func updateActivity<Outcome>(
        _ keys: [ActivityKey], history: Int, _ change: (Int, inout ActivityRecord?) -> Outcome
    ) throws -> ActivityUpdate<Outcome> {
        var outcomes: [Outcome] = []
        for (position, key) in keys.enumerated() {
            let old = try storedActivity(key)
            var record = old?.record
            outcomes.append(change(position, &record))
            if record != old?.record { try store(record, replacing: old, key) }
        }
        return ActivityUpdate(outcomes: outcomes, dropped: try dropActivity(beyond: history, atMost: keys.count + Self.maxDropped))
    }

    private func store(_ record: ActivityRecord?, replacing old: StoredActivity?, _ key: ActivityKey) throws {
        guard let record else { return try removeActivity([key]) }
        let (clock, bytes) = (Int64(record.clock), Self.blob(record.bytes))
        guard let old else {
            try db.cachedStatement(sql: "INSERT INTO activity (key, clock, record) VALUES (?, ?, ?)")
                .execute(arguments: [Self.blob(key.bytes), clock, bytes])
            return try count("activity", 1)
        }
        if clock == old.clock {
            // Leaves the index by clock alone.
            try db.cachedStatement(sql: "UPDATE activity SET record = ? WHERE key = ?").execute(arguments: [bytes, Self.blob(key.bytes)])
        } else {
            try db.cachedStatement(sql: "UPDATE activity SET clock = ?, record = ? WHERE key = ?")
                .execute(arguments: [clock, bytes, Self.blob(key.bytes)])
        }
    }

    func removeActivity(_ keys: [ActivityKey]) throws {
        for key in keys {
            try db.cachedStatement(sql: "DELETE FROM activity WHERE key = ?").execute(arguments: [Self.blob(key.bytes)])
            if db.changesCount > 0 { try count("activity", -1) }
        }
    }

    private func dropActivity(beyond history: Int, atMost limit: Int) throws -> [ActivityRecord] {
        let excess = min(try count(of: "activity") - Int64(history), Int64(limit))
        guard excess > 0 else { return [] }
        let rows = try Columns.fetchCursor(
            db.cachedStatement(sql: "SELECT key, record FROM activity ORDER BY clock, key LIMIT ?"), arguments: [excess])
        var oldest: [(key: DatabaseValue, record: ActivityRecord?)] = []
        while let row = try rows.next() { oldest.append((row.value(0), row.bytes(1).flatMap { ActivityRecord(bytes: $0) })) }
        for (key, _) in oldest { try db.cachedStatement(sql: "DELETE FROM activity WHERE key = ?").execute(arguments: [key]) }
        try count("activity", -Int64(oldest.count))
        return oldest.compactMap(\.record)
    }

    func activityPage(after: ActivityKey?) throws -> ActivityPage {
        let rows = try Columns.fetchCursor(
            db.cachedStatement(sql: "SELECT key, record FROM activity WHERE key > ? ORDER BY key LIMIT ?"),
            // Before every key is what is shorter than all of them.
            arguments: [Self.blob(after?.bytes ?? [0]), ActivityLimits.page])
        var page = ActivityPage(entries: [], next: nil)
        var count = 0
        while let row = try rows.next() {
            count += 1
            guard let key = row.bytes(0).flatMap({ ActivityKey(bytes: $0) }) else { continue }
            page.next = key
            if let record = row.bytes(1).flatMap({ ActivityRecord(bytes: $0) }) {
                page.entries.append(ActivityPage.Entry(key: key, record: record))
            }
        }
        if count < ActivityLimits.page { page.next = nil }
        return page
    }

    // MARK: Sums

    func addSums(_ deltas: [String: Double], maxSums: Int) throws -> [String: Double] {
        var added: [String: Double] = [:]
        var count = try count(of: "sums")
        for (name, delta) in ActivityLimits.accepted(deltas) {
            let update = try db.cachedStatement(sql: "UPDATE sums SET value = value + ? WHERE name = ? RETURNING value")
            if let sum = try update.first([delta, name], { $0.number(0) }) {
                added[name] = sum
            } else if count < maxSums {
                try db.cachedStatement(sql: "INSERT INTO sums (name, value) VALUES (?, ?)").execute(arguments: [name, delta])
                try self.count("sums", 1)
                count += 1
                added[name] = delta
            }
        }
        return added
    }

    func sums() throws -> [String: Double] {
        var sums: [String: Double] = [:]
        let rows = try Columns.fetchCursor(db, sql: "SELECT name, value FROM sums")
        while let row = try rows.next() {
            if let name = row.text(0), let value = row.number(1) { sums[name] = value }
        }
        return sums
    }

    func removeSums(_ names: [String]) throws {
        for name in names {
            try db.cachedStatement(sql: "DELETE FROM sums WHERE name = ?").execute(arguments: [name])
            if db.changesCount > 0 { try count("sums", -1) }
        }
    }

    func classes() throws -> [String] { try String.fetchAll(db, sql: "SELECT name FROM classes ORDER BY number") }

    func addClasses(_ names: [String]) throws -> [String] {
        let known = try classes()
        let classes = ActivityLimits.classes(known, adding: names)
        for number in known.count..<max(known.count, classes.count) {
            try db.execute(sql: "INSERT INTO classes (number, name) VALUES (?, ?)", arguments: [number, classes[number]])
        }
        return classes
    }

    // MARK: What was computed

    func document(_ name: ActivityDocument) throws -> ActivityDocument.Version? {
        let statement = try db.cachedStatement(sql: "SELECT version, bytes FROM documents WHERE name = ?")
        return try statement.first([name.rawValue]) { row -> ActivityDocument.Version? in
            guard let number = row.integer(0), let bytes = row.bytes(1) else { return nil }
            return ActivityDocument.Version(number: number, bytes: bytes)
        }
    }

    func replaceDocument(_ name: ActivityDocument, with bytes: [UInt8], version: Int64) throws -> Int64? {
        let current = try document(name)?.number ?? 0
        guard current == version else { return nil }
        try db.execute(
            sql: "INSERT OR REPLACE INTO documents (name, version, bytes) VALUES (?, ?, coalesce(?, x''))",
            // Empty bytes are bound as NULL.
            arguments: [name.rawValue, current + 1, Self.blob(bytes)])
        return current + 1
    }

    func takeComputingLease(_ holder: String, duration: Duration) throws -> Bool {
        if var lease = try computingLease(), lease.holder != holder {
            lease.clampWait(at: now)
            if lease.ends > now {
                try write(lease)
                return false
            }
        }
        try write(ComputingLease(holder: holder, at: now, duration: duration))
        return true
    }

    func giveBackComputingLease(_ holder: String) throws {
        try db.execute(sql: "DELETE FROM computing WHERE holder = ?", arguments: [holder])
    }

    private func computingLease() throws -> ComputingLease? {
        try db.cachedStatement(sql: "SELECT holder, ends, wait FROM computing").first { row -> ComputingLease? in
            guard let holder = row.text(0), let ends = row.time(1) else { return nil }
            return ComputingLease(holder: holder, ends: ends, wait: row.duration(2))
        }
    }

    private func write(_ lease: ComputingLease) throws {
        try db.execute(sql: "DELETE FROM computing")
        try db.execute(
            sql: "INSERT INTO computing (holder, ends, wait) VALUES (?, ?, ?)",
            arguments: [lease.holder, lease.ends.milliseconds, lease.wait.wholeMilliseconds])
    }

    // MARK: -

    private func count(of table: String) throws -> Int64 {
        let count = try Int64.fetchOne(db.cachedStatement(sql: "SELECT value FROM counters WHERE name = ?"), arguments: [table])
        // A damaged file may say anything.
        return max(0, count ?? 0)
    }

    private func count(_ table: String, _ difference: Int64) throws {
        try db.cachedStatement(sql: "UPDATE counters SET value = value + ? WHERE name = ?").execute(arguments: [difference, table])
    }

    private static func blob(_ bytes: [UInt8]) -> DatabaseValue { Data(bytes).databaseValue }
}
