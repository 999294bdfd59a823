package import Retention

/// A use of an artifact in a pool, to be recorded.
package struct ActivityUse: Sendable, Hashable {
    package let key: ActivityKey
    /// See ``ActivityRecord/number(of:)``.
    package let pool: UInt32
    /// See ``ActivityRecord/number(of:)``.
    package let artifactClass: UInt32
    /// Seconds since 1970.
    package let time: UInt32
    /// Of the artifact.
    package let bytes: Int64
    /// Whether there is a replica after the use, or will be.
    package let isKept: Bool

    package init(key: ActivityKey, pool: UInt32, artifactClass: UInt32, time: UInt32, bytes: Int64, isKept: Bool) {
        self.key = key
        self.pool = pool
        self.artifactClass = artifactClass
        self.time = time
        self.bytes = bytes
        self.isKept = isKept
    }
}

extension ActivityRecord {
    /// How far the clocks of processes may be apart, in seconds.
    private static let maxSkew: UInt32 = 3_600

    /// Records a use; the other pools of the artifact are renewed by it.
    ///
    /// A record never goes back in time: a use that seems to be earlier than what is recorded counts as simultaneous. Only what lies more than
    /// an hour ahead was recorded by a clock that was wrong, and is brought back to the use.
    ///
    /// - Parameter record: `nil` for an artifact that is not known.
    /// - Parameter renewalIntervals: Seconds for each pool, see `PoolPrices.renewalInterval`; a pool that is not among them is not renewed.
    /// - Returns: What is to be added to the sums.
    package static func use(
        _ record: inout ActivityRecord?, _ use: ActivityUse, renewalIntervals: [UInt32: Double]
    ) -> Observations {
        var observations = Observations()
        var changed = record ?? ActivityRecord(firstSeen: use.time, artifactClass: use.artifactClass, pools: [])
        if changed.clock > use.time, changed.clock - use.time > maxSkew { changed.bringBack(to: use.time) }
        let time = max(use.time, changed.clock)
        changed.use(use, at: time, renewalIntervals: renewalIntervals, into: &observations)
        record = changed
        return observations
    }

    private mutating func use(
        _ use: ActivityUse, at time: UInt32, renewalIntervals: [UInt32: Double], into observations: inout Observations
    ) {
        let now = Double(time)
        let bytes = Double(use.bytes)
        let age = Context.age(now - Double(firstSeen))
        for position in pools.indices where pools[position].pool != use.pool {
            guard let interval = renewalIntervals[pools[position].pool] else { continue }
            var activity = pools[position].activity(of: artifactClass)
            guard activity.renew(at: now, age: age, after: interval, bytes: bytes, into: &observations) else { continue }
            pools[position].clock = time
            pools[position].place = activity.context.place
        }
        if var known = self[use.pool] {
            var activity = known.activity(of: artifactClass)
            activity.use(at: now, age: age, bytes: bytes, into: &observations)
            if known.uses < .max { known.uses += 1 }
            known.own = time
            known.clock = time
            known.place = activity.context.place
            known.gone = use.isKept ? 0 : time
            self[use.pool] = known
        } else if pools.count < Self.maxPools {
            let activity = PoolActivity(at: now, of: artifactClass, age: age, bytes: bytes, into: &observations)
            self[use.pool] = PoolUses(
                pool: use.pool, uses: 1, first: time, own: time, clock: time, place: activity.context.place, gone: use.isKept ? 0 : time)
        }
    }

    private mutating func bringBack(to time: UInt32) {
        firstSeen = min(firstSeen, time)
        for position in pools.indices {
            pools[position].first = min(pools[position].first, time)
            pools[position].own = min(pools[position].own, time)
            pools[position].clock = min(pools[position].clock, time)
            pools[position].gone = min(pools[position].gone, time)
        }
    }
}
