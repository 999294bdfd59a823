import MirrorCore
import MirrorState

extension StateStore {
    /// Every page of a pool's replicas, the least recently used first.
    func listedByUse(in pool: PoolID, page: Int) async throws -> [Replica] {
        try await listed(page) { try await leastRecentlyUsed(in: pool, after: $0, limit: page) }
    }

    /// Every page of a pool's replicas, in the order of their names.
    func listedByName(in pool: PoolID, page: Int) async throws -> [Replica] {
        try await listed(page) { try await replicas(in: pool, after: $0?.id, limit: page) }
    }

    /// - Parameter next: The page after that replica.
    /// - Returns: A listing that comes back to its beginning ends there, with what it has said twice.
    private func listed(_ page: Int, _ next: (Replica?) async throws -> [Replica]) async throws -> [Replica] {
        var all: [Replica] = []
        var ids: Set<ReplicaID> = []
        while true {
            let replicas = try await next(all.last)
            all += replicas
            let isNew = replicas.allSatisfy { ids.insert($0.id).inserted }
            if replicas.count < page || !isNew { return all }
        }
    }
}
