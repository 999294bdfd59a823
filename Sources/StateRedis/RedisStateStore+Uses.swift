package import MirrorCore
package import MirrorState
import RedisClient

/// Uses of present replicas, and forgotten errors.
extension RedisStateStore {
    package func touch(_ uses: [ReplicaUse]) async throws {
        try await inBatches(uses.map(\.id)) { positions in
            let artifacts = positions.map { uses[$0].id.artifact }
            let times = positions.map { RedisWord.integer(uses[$0].at.milliseconds) }
            _ = try await self.run(.touch, in: uses[positions[0]].id.pool, artifacts, times)
        }
    }

    package func describe(_ id: ReplicaID, _ object: StoredObject) async throws {
        guard object.representation != nil else { return }
        _ = try await run(.describe, id, RecordFields.words(object))
    }

    package func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        var marked: [Int] = []
        try await inBatches(ids) { positions in
            let answer = try await self.run(
                .mark, in: ids[positions[0]].pool, positions.map { ids[$0].artifact }, [.integer(unusedSince.milliseconds)])
            marked += try Self.chosen(answer, of: positions, "mark")
        }
        return marked.sorted().map { ids[$0] }
    }

    package func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        let limit = StatePage.length(limit)
        var found: [(retryAt: Double, keys: PoolKeys, hash: String)] = []
        for keys in keys {
            let answer = try await execute(
                RedisCommand(
                    "ZRANGE", key: keys.errors, "-inf", .text("(\(before.milliseconds)"), "BYSCORE", "LIMIT", "0", .integer(Int64(limit)),
                    "WITHSCORES"))
            for pair in answer.array ?? [] {
                guard let pair = pair.array, pair.count == 2, let hash = pair[0].string, case .double(let retryAt) = pair[1] else {
                    throw StateError.unexpected("forgetErrors")
                }
                found.append((retryAt, keys, hash))
            }
        }
        // Each list is sorted; across lists, and for equal times, the order is that of pool and hash.
        let oldest = found.sorted {
            ($0.retryAt, $0.keys.pool.description, $0.hash) < ($1.retryAt, $1.keys.pool.description, $1.hash)
        }.prefix(limit)
        for keys in keys {
            let hashes = oldest.filter { $0.keys.pool == keys.pool }.map(\.hash)
            for start in stride(from: 0, to: hashes.count, by: Self.batch) {
                let batch = hashes[start..<min(start + Self.batch, hashes.count)]
                _ = try await run(.forgetErrors, [keys.counters] + batch.map(keys.replica(hash:)), [.integer(before.milliseconds)])
            }
        }
        return oldest.count
    }
}
