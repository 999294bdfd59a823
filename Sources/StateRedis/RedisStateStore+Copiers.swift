package import MirrorCore
import MirrorState
import RedisClient

extension RedisStateStore: CopierRegistry {
    package func register(copier name: String, pools: Set<PoolID>, life: Duration) async throws {
        let answers = await each(pools) { pool throws(StateError) in
            let keys = self.keys(of: pool)
            return try await self.run(.registerCopier, [keys.counters, keys.copiers], [.text(name), Self.milliseconds(life)])
        }
        for answer in answers { _ = try answer.get() }
    }

    package func unregister(copier name: String, pools: Set<PoolID>) async throws {
        let answers = await each(pools) { pool throws(StateError) in
            try await self.execute(RedisCommand("ZREM", key: self.keys(of: pool).copiers, .text(name)))
        }
        for answer in answers { _ = try answer.get() }
    }

    package func poolsWithCopiers(among pools: Set<PoolID>) async throws -> Set<PoolID> {
        let answers = await each(pools) { pool throws(StateError) -> PoolID? in
            let keys = self.keys(of: pool)
            return try await self.run(.liveCopiers, [keys.counters, keys.copiers], []).integer ?? 0 > 0 ? nil : pool
        }
        // A server that is unavailable must not keep the others' pools from being copied to.
        if let error = answers.lazy.compactMap(\.failure).first, answers.allSatisfy({ $0.failure != nil }) { throw error }
        return pools.subtracting(answers.compactMap { (try? $0.get()) ?? nil })
    }
}
