package import MirrorCore
package import MirrorState
import Retention

/// Says why a replica is kept, or is gone: in words, and in dollars at list prices.
package struct RetentionExplainer: Sendable {
    private let store: any ActivityStore
    private let learned: LearnedRetention
    private let clock: any WallClock

    package init(store: any ActivityStore, learned: LearnedRetention, clock: any WallClock) {
        self.store = store
        self.learned = learned
        self.clock = clock
    }

    /// - Parameter object: Of the replica; `nil` if there is none.
    /// - Returns: Sentences; empty if nothing is recorded of the artifact in this pool, or the pool has another policy.
    package func explanation(of id: ReplicaID, _ object: StoredObject?, in pool: Pool) async throws -> [String] {
        guard pool.policy == .cost else { return [] }
        let key = ActivityRecord.number(of: id.pool.description)
        guard let record = try await store.activity(of: [ActivityKey(id.artifact)]).first.flatMap(\.self), let uses = record[key] else {
            return object == nil ? [] : ["It is in \(id.pool), but no request for it was recorded: it is kept as after a first request."]
        }
        let lives = learned.lives
        let now = Double(clock.now.milliseconds) / 1_000
        return Self.uses(record, uses, now, in: id.pool) + Self.evidence(record, uses, lives)
            + Self.life(record, uses, lives, object, now, in: id.pool)
    }

    private static func uses(_ record: ActivityRecord, _ uses: ActivityRecord.PoolUses, _ now: Double, in pool: PoolID) -> [String] {
        var text = "It was requested \(uses.uses == 1 ? "once" : "\(uses.uses) times") in \(pool)"
        if uses.uses > 1 { text += ", every \(span(Double(uses.own - min(uses.own, uses.first)) / Double(uses.uses - 1))) on average" }
        text += ", last \(span(now - Double(uses.own))) ago; it has been known for \(span(now - Double(record.firstSeen)))."
        guard uses.clock > uses.own else { return [text] }
        return [text, "A request in another pool \(span(now - Double(uses.clock))) ago was a sign that it may be needed here, too."]
    }

    private static func evidence(_ record: ActivityRecord, _ uses: ActivityRecord.PoolUses, _ lives: LearnedLives) -> [String] {
        guard let table = lives.table, let node = lives.node(record.artifactClass, place: uses.place) else {
            return ["There is no table yet: copies are kept for half of the break-even life."]
        }
        return table.path(node).map { number in
            let found = table.nodes[number]
            let words = table.tree.words(of: number) { Int($0) < table.classes.count ? table.classes[Int($0)] : ClassList.other }
            let name =
                words.first.map { "artifacts of the class \($0)" + (words.count > 1 ? " that are used like it" : "") } ?? "all artifacts"
            return "Of \(name): \(count(found.ended)) waits ended with a request, \(count(found.unended)) have not."
        }
    }

    private static func life(
        _ record: ActivityRecord, _ uses: ActivityRecord.PoolUses, _ lives: LearnedLives, _ object: StoredObject?, _ now: Double,
        in pool: PoolID
    ) -> [String] {
        guard let object else {
            guard uses.gone > 0 else { return ["No replica is there, and none is known to have ended."] }
            return gone(record, uses, lives, now, in: pool)
        }
        let costs = lives.costs(of: object.size, in: pool)
        var text: [String] = []
        if lives.isGuarded(record.artifactClass, in: pool) {
            text.append("Its class is guarded in \(pool): what was learned has cost too much, so the break-even life counts.")
        }
        let expiry = lives.expiry(uses, of: record.artifactClass, bytes: object.size, in: pool)
        text.append(
            "Keeping it costs as much as another copy (\(dollars(costs.margin))) after \(span(costs.breakEven)); it is kept until "
                + (expiry.isFinite ? "\(Timestamp(seconds: expiry).iso8601)." : "its space is needed."))
        if let life = lives.life(record.artifactClass, place: uses.place, in: pool) {
            text.append(
                "That is expected to save \(dollars(costs.margin * life.useProbability)) and to cost \(dollars(costs.keeping(life.meanWait))), \(prices(lives, pool))."
            )
        }
        return text
    }

    /// The record does not have the size, so dollars are for a GiB.
    private static func gone(
        _ record: ActivityRecord, _ uses: ActivityRecord.PoolUses, _ lives: LearnedLives, _ now: Double, in pool: PoolID
    ) -> [String] {
        let costs = lives.costs(of: Int64(PoolPrices.gibibyte), in: pool)
        let since = max(0, now - Double(uses.gone))
        var text = [
            "Its replica ended \(span(since)) ago, \(span(Double(uses.gone) - Double(uses.own))) after its last request.",
            "Keeping it costs as much as another copy after \(span(costs.breakEven)). Keeping it since it ended would have cost "
                + "\(dollars(costs.keeping(since))) per GiB; if it is requested now, another copy costs \(dollars(costs.margin)) per GiB, \(prices(lives, pool)).",
        ]
        if let life = lives.life(record.artifactClass, place: uses.place, in: pool) {
            text.append("By what is known now, it would be kept for \(span(max(costs.floor, life.seconds))) after its last request.")
        }
        return text
    }

    private static func prices(_ lives: LearnedLives, _ pool: PoolID) -> String {
        guard lives.prices.isKnown(pool) else { return "at prices that are only assumed" }
        return "at list prices" + (lives.prices.asOf.map { " of \($0.day)" } ?? "")
    }

    private static func span(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "ever" }
        switch seconds {
        case ..<120: return "\(Int(max(0, seconds).rounded()))s"
        case ..<7_200: return "\(Int((seconds / 60).rounded()))m"
        case ..<172_800: return "\(Int((seconds / 3_600).rounded()))h"
        default: return "\(Int((seconds / 86_400).rounded()))d"
        }
    }

    private static func count(_ weight: Double) -> String { "\(Int(min(max(0, weight), 1e15).rounded()))" }

    /// With four digits that count, because a single artifact may cost millionths.
    private static func dollars(_ dollars: Double) -> String {
        guard dollars.isFinite, dollars >= 0, dollars < 1e12 else { return "$?" }
        var scale = 1.0
        while scale < 1e9, dollars > 0, dollars * scale < 1_000 { scale *= 10 }
        return "$\((dollars * scale).rounded() / scale)"
    }
}
