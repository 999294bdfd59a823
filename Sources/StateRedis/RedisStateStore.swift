package import Logging
package import MirrorCore
package import MirrorState
package import NIOCore
package import RedisClient

/// To be replaced.
package final class RedisStateStore: StateStore, CopierRegistry {
    private let base = MemoryStateStore()
    package init(
        _ configuration: RedisConfiguration, prefix: String, pools: Set<PoolID>, maxQueued: Int, clock: (any WallClock)? = nil,
        group: any EventLoopGroup, logger: Logger
    ) {}
    package func replica(_ id: ReplicaID) async throws -> Replica? { try await base.replica(id) }
    package func claim(_ id: ReplicaID) async throws -> Claim { try await base.claim(id) }
    package func recordPresent(_ id: ReplicaID, _ object: StoredObject) async throws -> Replica { try await base.recordPresent(id, object) }
    package func lease(pools: Set<PoolID>, worker: String, duration: Duration) async throws -> CopyLease? { nil }
    package func nextDue(pools: Set<PoolID>) async throws -> Timestamp? { nil }
    package func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease { lease }
    package func finish(_ lease: CopyLease, _ result: CopyResult) async throws {}
    package func touch(_ uses: [ReplicaUse]) async throws {}
    package func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] { [] }
    package func beginRemoval(_ id: ReplicaID, unusedSince: Timestamp?) async throws -> Bool { false }
    package func forget(_ id: ReplicaID) async throws {}
    package func forgetErrors(before: Timestamp, limit: Int) async throws -> Int { 0 }
    package func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] { [] }
    package func underRemoval(in pool: PoolID, begunBefore: Timestamp, limit: Int) async throws -> [ReplicaID] { [] }
    package func replicas(in pool: PoolID?, after: ReplicaID?, limit: Int) async throws -> [Replica] { [] }
    package func totals(of pool: PoolID) async throws -> PoolTotals { PoolTotals() }
    package func changes() async -> AsyncStream<ReplicaChange> { await base.changes() }
    package func close() async {}
    package var isConnected: Bool { false }
    package func register(copier name: String, pools: Set<PoolID>, life: Duration) async throws {}
    package func unregister(copier name: String, pools: Set<PoolID>) async throws {}
    package func poolsWithCopiers(among pools: Set<PoolID>) async throws -> Set<PoolID> { [] }
    package func serverReport() async throws(StateError) -> RedisServerReport { RedisServerReport() }
}

package struct RedisServerReport: Sendable {
    package var version = ""
    package var findings: [String] = []
}
