package import MirrorCore
import MirrorState
import RedisClient

extension RedisStateStore: CopierRegistry {
    package func register(copier name: String, pools: Set<PoolID>, life: Duration) async throws {
        let answers = await each(pools) { pool throws(StateError) in
            let keys = self.keys(of: pool)
            return try await self.run(.registerCopier, keys.indexes + [keys.copiers], [.text(name), Self.milliseconds(life)])
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
            return try await self.run(.liveCopiers, keys.indexes + [keys.copiers], []).integer ?? 0 > 0 ? pool : nil
        }
        return Set(try answers.compactMap { try $0.get() })
    }
}
