extension RedisConfiguration {
    /// The servers of a cluster that have slots, from the answer of one of them to `CLUSTER SLOTS`.
    ///
    /// - Returns: `nil` if the answer is something else.
    package func masters(_ slots: RedisValue) -> [Address]? {
        addresses.first.flatMap { SlotMap(slots, asked: $0)?.servers }
    }
}
