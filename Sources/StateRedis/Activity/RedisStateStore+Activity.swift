package import MirrorState
import RedisClient

/// Records of activity: read, changed by the caller, and written if nobody else has written them meanwhile.
extension RedisStateStore: ActivityStore {
    /// How often a record is tried that others change all the time.
    private static let maxAttempts = 20
    /// Parts that are read for one page.
    private static let partsPerPage = 32

    package func activity(of keys: [ActivityKey]) async throws -> [ActivityRecord?] {
        let groups = Self.groups(keys)
        let found = try await withThrowingTaskGroup(of: [(ActivityKey, ActivityRecord?)].self) { tasks in
            for group in groups {
                tasks.addTask {
                    let values = try await self.stored(group.keys, in: group.part)
                    return zip(group.keys, values).map { ($0, $1.flatMap { ActivityRecord(bytes: $0) }) }
                }
            }
            return try await tasks.reduce(into: [ActivityKey: ActivityRecord]()) { found, records in
                for (key, record) in records { found[key] = record }
            }
        }
        return keys.map { found[$0] }
    }

    package func updateActivity<Outcome: Sendable>(
        _ keys: [ActivityKey], _ change: @escaping @Sendable (Int, inout ActivityRecord?) -> Outcome
    ) async throws -> ActivityUpdate<Outcome> {
        let positions = Dictionary(grouping: keys.indices) { keys[$0] }
        let groups = Self.groups(keys)
        let results = await withTaskGroup(of: Result<PartUpdate<Outcome>, StateError>.self) { tasks in
            for group in groups {
                tasks.addTask {
                    do throws(StateError) {
                        return .success(
                            try await self.update(group) { key, record in
                                positions[key, default: []].map { ($0, change($0, &record)) }
                            })
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await tasks.reduce(into: []) { $0.append($1) }
        }
        var update = ActivityUpdate(outcomes: [Outcome?](repeating: nil, count: keys.count))
        for case .success(let part) in results {
            for (position, outcome) in part.outcomes { update.outcomes[position] = outcome }
            update.dropped += part.dropped
        }
        // One server that is away must not hide what the others have done.
        if let error = results.first?.failure, results.allSatisfy({ $0.failure != nil }) { throw error }
        return update
    }

    package func activityPage(after: ActivityKey?) async throws -> ActivityPage {
        let first = after.map { ActivityKeys.part(behind: $0) } ?? 0
        guard first < ActivityKeys.count else { return ActivityPage(entries: [], next: nil) }
        let end = min(first + Self.partsPerPage, ActivityKeys.count)
        let entries = try await withThrowingTaskGroup(of: [ActivityPage.Entry].self) { tasks in
            for part in first..<end { tasks.addTask { try await self.entries(of: part) } }
            return try await tasks.reduce(into: []) { $0 += $1 }
        }
        return ActivityPage(
            entries: entries.filter { entry in after.map { $0 < entry.key } ?? true }.sorted { $0.key < $1.key },
            next: end < ActivityKeys.count ? ActivityKeys.last(of: end - 1) : nil)
    }

    package func removeActivity(of keys: [ActivityKey]) async throws {
        for group in Self.groups(keys) {
            let fields = group.keys.map { RedisWord.bytes($0.bytes) }
            let name = activityKeys.records(group.part)
            _ = try await execute(RedisCommand(["HDEL", .text(name)] + fields, key: name))
        }
    }

    // MARK: Parts

    private struct PartUpdate<Outcome: Sendable>: Sendable {
        var outcomes: [(position: Int, Outcome)] = []
        var dropped: [ActivityRecord] = []
    }

    /// Different keys of one part, as many as one script changes.
    private struct KeyGroup: Sendable {
        let part: Int
        let keys: [ActivityKey]
    }

    private static func groups(_ keys: [ActivityKey]) -> [KeyGroup] {
        Dictionary(grouping: Set(keys)) { ActivityKeys.part(of: $0) }.flatMap { part, keys in
            stride(from: 0, to: keys.count, by: batch).map { start in
                KeyGroup(part: part, keys: Array(keys[start..<min(start + batch, keys.count)]))
            }
        }
    }

    private func update<Outcome: Sendable>(
        _ group: KeyGroup, _ change: (ActivityKey, inout ActivityRecord?) -> [(Int, Outcome)]
    ) async throws(StateError) -> PartUpdate<Outcome> {
        var update = PartUpdate<Outcome>()
        var waiting = Array(zip(group.keys, try await stored(group.keys, in: group.part)))
        for _ in 0..<Self.maxAttempts where !waiting.isEmpty {
            var changed: [(key: ActivityKey, outcomes: [(Int, Outcome)])] = []
            var words: [RedisWord] = [.integer(Int64(activityKeys.limit)), .integer(Int64(activityKeys.limit / ActivityLimits.spare))]
            for (key, old) in waiting {
                // One that cannot be read is as good as none.
                var record = old.flatMap { ActivityRecord(bytes: $0) }
                changed.append((key, change(key, &record)))
                words += [.bytes(key.bytes), .bytes(old ?? []), .bytes(record?.bytes ?? [])]
            }
            let answer = try await run(.updateActivity, [activityKeys.records(group.part)], words).array ?? []
            guard answer.count == 2, let results = answer[0].array, results.count == changed.count, let dropped = answer[1].array else {
                throw .unexpected("updateActivity")
            }
            update.dropped += dropped.compactMap { $0.bytes.flatMap { ActivityRecord(bytes: $0) } }
            waiting = []
            for (result, item) in zip(results, changed) {
                if case .integer = result {
                    update.outcomes += item.outcomes
                } else {
                    waiting.append((item.key, result.bytes.flatMap { $0.isEmpty ? nil : $0 }))
                }
            }
        }
        return update
    }

    private func stored(_ keys: [ActivityKey], in part: Int) async throws(StateError) -> [[UInt8]?] {
        let name = activityKeys.records(part)
        let fields = keys.map { RedisWord.bytes($0.bytes) }
        let values = try await execute(RedisCommand(["HMGET", .text(name)] + fields, key: name)).array ?? []
        guard values.count == keys.count else { throw .unexpected("activity") }
        return values.map(\.bytes)
    }

    private func entries(of part: Int) async throws(StateError) -> [ActivityPage.Entry] {
        let values = try await execute(RedisCommand("HGETALL", key: activityKeys.records(part))).array ?? []
        return stride(from: 0, to: values.count - 1, by: 2).compactMap { position in
            guard let key = values[position].bytes.flatMap({ ActivityKey(bytes: $0) }),
                let record = values[position + 1].bytes.flatMap({ ActivityRecord(bytes: $0) })
            else { return nil }
            return ActivityPage.Entry(key: key, record: record)
        }
    }
}
