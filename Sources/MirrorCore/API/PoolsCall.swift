/// `GET /v1/pools`: what the pools hold, and whether they work.
package enum PoolsCall {
    package struct Answer: Codable, Sendable, Equatable {
        /// All pools, in the order of their names.
        package var pools: [Item]

        package init(pools: [Item]) {
            self.pools = pools
        }
    }

    package struct Item: Codable, Sendable, Equatable {
        /// `service/region`
        package var pool: String
        /// Replicas that are present.
        package var objects: Int
        /// Their bytes.
        package var bytes: Int64
        /// Pending replicas.
        package var pending: Int
        /// Replicas that could not be copied.
        package var errors: Int
        /// Bytes that the pool may hold; `nil` without a limit.
        package var maxBytes: Int64?
        /// How long replicas are kept, as text.
        package var retention: String
        package var healthy: Bool
        /// Why the pool is not healthy, as text; `nil` if it is.
        package var reason: String?

        package init(
            pool: String, objects: Int, bytes: Int64, pending: Int, errors: Int, maxBytes: Int64?, retention: String, healthy: Bool,
            reason: String?
        ) {
            self.pool = pool
            self.objects = objects
            self.bytes = bytes
            self.pending = pending
            self.errors = errors
            self.maxBytes = maxBytes
            self.retention = retention
            self.healthy = healthy
            self.reason = reason
        }
    }
}
