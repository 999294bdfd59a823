extension RedisConfiguration {
    /// The servers of a cluster that have slots, by what one of them answers to `CLUSTER SLOTS`.
    ///
    /// - Returns: `nil` when it is no such answer.
    package func masters(_ slots: RedisValue) -> [Address]? {
        addresses.first.flatMap { SlotMap(slots, asked: $0)?.servers }
    }
}
