/// When one artifact was used in one pool, whether a replica is there or not.
///
/// Times are seconds since any moment that is the same for all.
package struct PoolActivity: Sendable, Equatable {
    /// Before the last one.
    package var earlierUses: UInt32
    package var first: Double
    /// The last use in this pool.
    package var own: Double
    /// The last use in this pool, or the last renewal by a use in another one.
    package var clock: Double
    package var context: Context

    package init(earlierUses: UInt32, first: Double, own: Double, clock: Double, context: Context) {
        self.earlierUses = earlierUses
        self.first = first
        self.own = own
        self.clock = clock
        self.context = context
    }

    /// A first use.
    package init(at time: Double, of artifactClass: UInt32, age: Int, bytes: Double, into sums: inout some ObservationSink) {
        self.init(
            earlierUses: 0, first: time, own: time, clock: time, context: Context(artifactClass, isElsewhere: false, rate: 0, age: age))
        sums.addSize(context, bytes: bytes)
    }

    /// Another use.
    ///
    /// - Parameter age: Of the artifact, see ``Context/age(_:)``.
    package mutating func use(at time: Double, age: Int, bytes: Double, into sums: inout some ObservationSink) {
        sums.addEvent(context, gap: time - clock, since: clock)
        if earlierUses < .max { earlierUses += 1 }
        own = time
        clock = time
        let rate = Context.rate(uses: earlierUses, since: time - first)
        context = Context(context.artifactClass, isElsewhere: false, rate: rate, age: age)
        sums.addSize(context, bytes: bytes)
    }

    /// A use in another pool: an artifact that is read somewhere is alive, so the life of a replica here is computed again from then on.
    ///
    /// - Parameter interval: See ``PoolPrices/renewalInterval``.
    /// - Returns: Whether enough time had passed for that.
    package mutating func renew(at time: Double, age: Int, after interval: Double, bytes: Double, into sums: inout some ObservationSink)
        -> Bool
    {
        guard time - clock >= interval else { return false }
        sums.addCensored(context, gap: time - clock, since: clock)
        clock = time
        context = Context(context.artifactClass, isElsewhere: true, rate: context.rate, age: age)
        sums.addSize(context, bytes: bytes)
        return true
    }
}
