import MirrorCore
package import MirrorState
import RedisClient

/// Sums, classes, documents, and the lease of the process that computes.
extension RedisStateStore {
    /// The maximum number of sums that one command reads or writes.
    private static let sumsAtOnce = 1_000

    package func addSums(_ deltas: [String: Double]) async throws -> [String: Double] {
        let deltas = Array(ActivityLimits.accepted(deltas))
        var sums: [String: Double] = [:]
        for start in stride(from: 0, to: deltas.count, by: Self.sumsAtOnce) {
            let some = deltas[start..<min(start + Self.sumsAtOnce, deltas.count)]
            let words = some.flatMap { [RedisWord.text($0.key), .text("\($0.value)")] }
            let values = try await run(.addSums, [activityKeys.sums], [.integer(Int64(maxSums))] + words).array ?? []
            guard values.count == some.count else { throw StateError.unexpected("addSums") }
            for (delta, value) in zip(some, values) { sums[delta.key] = value.string.flatMap { Double($0) } }
        }
        return sums
    }

    package func sums() async throws -> [String: Double] {
        var sums: [String: Double] = [:]
        var cursor = "0"
        var watch = PageWatch()
        repeat {
            let answer =
                try await execute(
                    RedisCommand("HSCAN", key: activityKeys.sums, .text(cursor), "COUNT", .integer(Int64(Self.sumsAtOnce)))
                ).array ?? []
            guard answer.count == 2, let next = answer[0].string, let values = answer[1].array else { throw StateError.unexpected("sums") }
            for position in stride(from: 0, to: values.count - 1, by: 2) {
                if let name = values[position].string, let value = values[position + 1].string.flatMap({ Double($0) }) {
                    sums[name] = value
                }
            }
            do throws(EndlessPages) {
                if next != "0" { try watch.turn(to: next, found: values.count) }
            } catch {
                throw StateError.unexpected("sums")
            }
            cursor = next
        } while cursor != "0"
        return sums
    }

    package func removeSums(_ names: [String]) async throws {
        for start in stride(from: 0, to: names.count, by: Self.sumsAtOnce) {
            let fields = names[start..<min(start + Self.sumsAtOnce, names.count)].map { RedisWord.text($0) }
            _ = try await execute(RedisCommand(["HDEL", .text(activityKeys.sums)] + fields, key: activityKeys.sums))
        }
    }

    package func addClasses(_ names: [String]) async throws -> [String] {
        let limits: [RedisWord] = [.integer(Int64(ActivityLimits.classes)), .text(ActivityLimits.otherClass)]
        let values = try await run(.addClasses, [activityKeys.classes], limits + names.map { .text($0) }).array ?? []
        let classes = try stride(from: 0, to: values.count - 1, by: 2).map { position throws(StateError) in
            guard let name = values[position].string, let number = values[position + 1].integer else { throw .unexpected("addClasses") }
            return (name: name, number: number)
        }
        return classes.sorted { $0.number < $1.number }.map(\.name)
    }

    // MARK: What was computed

    package func document(_ name: ActivityDocument) async throws -> ActivityDocument.Version? {
        let values = try await execute(RedisCommand("HMGET", key: activityKeys.document(name), "version", "bytes")).array ?? []
        guard values.count == 2, let number = values[0].integer, let bytes = values[1].bytes else { return nil }
        return ActivityDocument.Version(number: number, bytes: bytes)
    }

    package func replaceDocument(_ name: ActivityDocument, with bytes: [UInt8], version: Int64) async throws -> Int64? {
        try ActivityLimits.check(bytes)
        return try await run(
            .replaceDocument, [activityKeys.document(name)],
            [.integer(version), .bytes(bytes), .text(activityKeys.changes), .text(name.rawValue)]
        ).integer
    }

    package func activityChanges() async -> AsyncStream<Void> {
        // The answer comes after what was reported before: the stream begins with what comes then.
        _ = try? await document(.guards)
        return feed.notices.stream()
    }

    package func takeComputingLease(_ holder: String, duration: Duration) async throws -> Bool {
        try await run(.computingLease, [activityKeys.lease], [.text(holder), Self.milliseconds(duration)]).integer == 1
    }

    package func giveBackComputingLease(_ holder: String) async throws {
        _ = try await run(.computingLease, [activityKeys.lease], [.text(holder), "0"])
    }
}
