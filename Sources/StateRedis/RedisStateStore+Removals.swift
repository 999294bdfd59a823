import Logging
package import MirrorCore
package import MirrorState
import RedisClient

extension RedisStateStore {
    package func beginRemovals(_ wanted: [WantedRemoval], duration: Duration) async throws -> [Removal?] {
        var removals = [Removal?](repeating: nil, count: wanted.count)
        try await inBatches(wanted.map(\.id)) { positions in
            let arguments = positions.flatMap { [Self.url(wanted[$0].id), Self.word(wanted[$0].condition)] }
            let answer = try await self.run(
                .beginRemovals, in: wanted[positions[0]].id.pool, positions.map { wanted[$0].id.artifact },
                [Self.milliseconds(duration)] + arguments)
            for (position, token) in zip(positions, try Self.answers(answer, to: positions, "beginRemovals")) where !token.isNull {
                guard let number = token.integer else { throw StateError.unexpected("beginRemovals") }
                removals[position] = Removal(id: wanted[position].id, token: number)
            }
        }
        return removals
    }

    private static func word(_ condition: RemovalCondition) -> RedisWord {
        switch condition {
        case .none: "none"
        case .abandoned: "abandoned"
        case .unused(let since): .integer(since.milliseconds)
        }
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

    package func endRemovals(_ removals: [Removal]) async throws -> [RemovalEnd] {
        try await end(removals, "deleted")
    }

    package func handBack(_ removal: Removal) async throws {
        if try await end([removal], "back") == [.stale] { throw StateError.stale(removal) }
    }

    private func end(_ removals: [Removal], _ how: RedisWord) async throws -> [RemovalEnd] {
        var ends = [RemovalEnd](repeating: .stale, count: removals.count)
        try await inBatches(removals.map(\.id)) { positions in
            let answer = try await self.run(
                .endRemovals, in: removals[positions[0]].id.pool, positions.map { removals[$0].id.artifact },
                [how] + positions.map { .integer(removals[$0].token) })
            for (position, end) in zip(positions, try Self.answers(answer, to: positions, "endRemovals")) {
                switch end.integer {
                case 1: ends[position] = .absent
                case 0: ends[position] = .repeated
                case -1: break
                default: throw StateError.unexpected("endRemovals")
                }
            }
        }
        return ends
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
