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
    /// - Returns: Sentences; empty if there is neither a replica nor a record of the artifact in this pool.
    package func explanation(of id: ReplicaID, _ object: StoredObject?, in pool: Pool) async throws -> [String] {
        guard pool.policy == .cost else { return object.map { [Self.timeToLive($0, pool)] + Self.mark($0, now) } ?? [] }
        let number = ActivityRecord.number(of: id.pool.description)
        let record = try await store.activity(of: [ActivityKey(id.artifact)]).first.flatMap(\.self)
        let lives = learned.lives
        guard let object else {
            guard let record, let uses = record[number] else { return [] }
            return Self.uses(record, uses, lives, now, in: id.pool)
                + Self.evidence(record.artifactClass, uses, lives, in: id.pool) + Self.gone(record, uses, lives, now, in: id.pool)
        }
        let activity = ReplicaActivity(record, of: id, object, learned)
        let said: [String] =
            if activity.isRecorded, let record {
                Self.uses(record, activity.uses, lives, now, in: id.pool)
            } else {
                ["It is in \(id.pool), but no request for it was recorded: it is kept as after a first request."]
            }
        return said + Self.evidence(activity.artifactClass, activity.uses, lives, in: id.pool)
            + Self.life(activity, object, lives, in: pool) + Self.mark(object, now)
    }

    private var now: Double { Double(clock.now.milliseconds) / 1_000 }

    private static func timeToLive(_ object: StoredObject, _ pool: Pool) -> String {
        "By the policy ttl it is kept for \(span(pool.timeToLive.inSeconds)) after its last request, until "
            + "\((object.lastUsed + pool.timeToLive).iso8601)."
    }

    private static func mark(_ object: StoredObject, _ now: Double) -> [String] {
        guard let markedAt = object.markedAt else { return [] }
        let since = span(now - Double(markedAt.milliseconds) / 1_000)
        return ["It was marked for deletion \(since) ago, because it has expired or the pool is nearly full; a request clears the mark."]
    }

    private static func uses(
        _ record: ActivityRecord, _ uses: ActivityRecord.PoolUses, _ lives: LearnedLives, _ now: Double, in pool: PoolID
    ) -> [String] {
        var text = "It was requested \(uses.uses == 1 ? "once" : "\(uses.uses) times") in \(pool)"
        if uses.uses > 1 { text += ", every \(span(Double(uses.own - min(uses.own, uses.first)) / Double(uses.uses - 1))) on average" }
        text += ", last \(span(now - Double(uses.own))) ago; it has been known for \(span(now - Double(record.firstSeen)))."
        guard uses.clock > uses.own else { return [text] }
        let other = record.pools.first { $0.pool != uses.pool && $0.own == uses.clock }.flatMap { lives.prices.pool(numbered: $0.pool) }
        let place = other.map { "\($0)" } ?? "another pool"
        return [text, "A request in \(place) \(span(now - Double(uses.clock))) ago was a sign that it may be needed here, too."]
    }

    /// What is known of artifacts that are used alike, and of more and more others, with the life that follows from each.
    private static func evidence(
        _ artifactClass: UInt32, _ uses: ActivityRecord.PoolUses, _ lives: LearnedLives, in pool: PoolID
    ) -> [String] {
        guard let table = lives.table, let node = lives.node(artifactClass, place: uses.place) else {
            return ["There is no table yet: copies are kept for half of the break-even life."]
        }
        return table.path(node).map { number in
            let found = table.nodes[number]
            let name = ContextWords.text(
                table.tree.words(of: number) { Int($0) < table.classes.count ? table.classes[Int($0)] : ClassList.other })
            let kept = lives.life(node: number, in: pool).map { ", for which it pays to keep them for \(span($0.seconds))" } ?? ""
            return "Of \(name)\(kept): \(count(found.ended)) waits ended with a request, \(count(found.unended)) have not."
        }
    }

    private static func life(
        _ activity: ReplicaActivity, _ object: StoredObject, _ lives: LearnedLives, in pool: Pool
    ) -> [String] {
        let costs = lives.costs(of: object.size, in: pool.id)
        let end = activity.end(of: object, in: pool, lives)
        let kept = Double(end.milliseconds) / 1_000 - Double(activity.uses.own)
        let until = costs.storage > 0 ? "for \(span(kept)) after its last request, until \(end.iso8601)" : "until its space is needed"
        let text =
            guarded(activity.artifactClass, lives, in: pool.id)
            + ["Keeping it costs as much as another copy (\(dollars(costs.margin))) after \(span(costs.breakEven)); it is kept \(until)."]
        guard !lives.isGuarded(activity.artifactClass, in: pool.id),
            let life = lives.life(activity.artifactClass, place: activity.uses.place, in: pool.id)
        else { return text }
        let (saved, cost) = (dollars(costs.margin * life.useProbability), dollars(costs.keeping(life.meanWait)))
        return text + ["That is expected to save \(saved) and to cost \(cost), \(prices(lives, pool.id))."]
    }

    private static func guarded(_ artifactClass: UInt32, _ lives: LearnedLives, in pool: PoolID) -> [String] {
        guard lives.isGuarded(artifactClass, in: pool) else { return [] }
        return ["Its class is guarded in \(pool): what was learned has cost too much, so the break-even life counts."]
    }

    /// The record does not have the size, so dollars are for a GiB.
    private static func gone(
        _ record: ActivityRecord, _ uses: ActivityRecord.PoolUses, _ lives: LearnedLives, _ now: Double, in pool: PoolID
    ) -> [String] {
        guard uses.gone > 0 else { return ["No replica is there, and none is known to have ended."] }
        let costs = lives.costs(of: Int64(PoolPrices.gibibyte), in: pool)
        let since = max(0, now - Double(uses.gone))
        let (kept, copy) = (dollars(costs.keeping(since)), dollars(costs.margin))
        let ended =
            uses.gone > uses.own
            ? "Its replica ended \(span(since)) ago, \(span(Double(uses.gone) - Double(uses.own))) after its last request."
            : "Its last request was redirected to the origin, without a copy."
        let text =
            [
                ended,
                "Keeping it costs as much as another copy after \(span(costs.breakEven)). Keeping it since it ended would have cost "
                    + "\(kept) per GiB; if it is requested now, another copy costs \(copy) per GiB, \(prices(lives, pool)).",
            ] + guarded(record.artifactClass, lives, in: pool)
        guard let life = lives.life(record.artifactClass, place: uses.place, in: pool) else { return text }
        let seconds = lives.isGuarded(record.artifactClass, in: pool) ? costs.breakEven : max(costs.floor, life.seconds)
        return text + ["By what is known now, it would be kept for \(span(seconds)) after its last request."]
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
