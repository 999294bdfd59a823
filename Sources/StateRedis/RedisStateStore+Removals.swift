import Logging
package import MirrorCore
package import MirrorState
import RedisClient

extension RedisStateStore {
    package func beginRemoval(_ id: ReplicaID, _ condition: RemovalCondition, duration: Duration) async throws -> Removal? {
        let word: RedisWord =
            switch condition {
            case .none: "none"
            case .abandoned: "abandoned"
            case .unused(let since): .integer(since.milliseconds)
            }
        let answer = try await run(.beginRemoval, id, [Self.milliseconds(duration), Self.url(id), word])
        guard !answer.isNull else { return nil }
        guard let token = answer.integer else { throw StateError.unexpected("beginRemoval") }
        return Removal(id: id, token: token)
    }

    package func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        var confirmed: [Int] = []
        try await inBatches(removals.map(\.id)) { positions in
            let tokens = positions.map { RedisWord.integer(removals[$0].token) }
            let answer = try await self.run(
                .confirm, in: removals[positions[0]].id.pool, positions.map { removals[$0].id.artifact },
                [Self.milliseconds(duration)] + tokens)
            confirmed += try Self.chosen(answer, of: positions, "confirm")
        }
        return confirmed.map { removals[$0] }
    }

    package func endRemoval(_ removal: Removal) async throws -> Bool {
        try await end(removal, "deleted") == 1
    }

    package func handBack(_ removal: Removal) async throws {
        _ = try await end(removal, "back")
    }

    private func end(_ removal: Removal, _ how: RedisWord) async throws(StateError) -> Int64 {
        let answer = try await run(.endRemoval, removal.id, [.integer(removal.token), how])
        guard !answer.isNull else { throw .stale(removal) }
        guard let ended = answer.integer else { throw .unexpected("endRemoval") }
        return ended
    }

    package func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID] {
        let answer = try await run(.abandonedRemovals, in: pool, [], [.integer(Int64(StatePage.length(limit)))])
        let keys = keys(of: pool)
        return (answer.array ?? []).compactMap { value in
            let id = value.string.flatMap { keys.replica(ofURL: $0) }
            if id == nil { logger.warning("a removal is skipped: it belongs to no artifact", metadata: ["pool": "\(pool)"]) }
            return id
        }
    }
}
