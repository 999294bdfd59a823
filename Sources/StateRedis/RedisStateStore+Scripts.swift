import MirrorCore
import MirrorState
import RedisClient

/// Commands and scripts.
extension RedisStateStore {
    static func url(_ id: ReplicaID) -> RedisWord { .text(id.artifact.description) }

    /// The positions that a script selected; it numbers its arguments from 1.
    static func chosen(_ answer: RedisValue, of positions: [Int], _ what: String) throws(StateError) -> [Int] {
        try (answer.array ?? []).map { number throws(StateError) in
            guard let number = number.integer, (1...Int64(positions.count)).contains(number) else { throw .unexpected(what) }
            return positions[Int(number) - 1]
        }
    }

    /// What a script has answered about each of the replicas at these positions.
    static func answers(_ answer: RedisValue, to positions: [Int], _ what: String) throws(StateError) -> [RedisValue] {
        guard let answers = answer.array, answers.count == positions.count else { throw .unexpected(what) }
        return answers
    }

    /// Calls `body` with positions of replicas in one pool, in their order and in limited batches.
    func inBatches(_ ids: [ReplicaID], _ body: ([Int]) async throws -> Void) async throws {
        var positions: [PoolID: [Int]] = [:]
        var pools: [PoolID] = []
        for (position, id) in ids.enumerated() {
            if positions[id.pool] == nil { pools.append(id.pool) }
            positions[id.pool, default: []].append(position)
        }
        for pool in pools {
            let all = positions[pool] ?? []
            for start in stride(from: 0, to: all.count, by: Self.batch) {
                try await body(Array(all[start..<min(start + Self.batch, all.count)]))
            }
        }
    }

    func keys(of pool: PoolID) -> PoolKeys {
        keys.first { $0.pool == pool } ?? PoolKeys(prefix: prefix, pool: pool)
    }

    func execute(_ command: RedisCommand, isTracked: Bool = false) async throws(StateError) -> RedisValue {
        do throws(RedisError) {
            return try await redis.execute(command, isTracked: isTracked)
        } catch {
            throw StateError(error)
        }
    }

    /// Commands that are sent together.
    ///
    /// - Parameter limit: How long they may take, if that is less than ``answerLimit``; `nil` for just that.
    func execute(
        together commands: [(command: RedisCommand, isTracked: Bool)], within limit: Duration? = nil
    ) async throws(StateError) -> [RedisValue] {
        do throws(RedisError) {
            return try await redis.execute(together: commands, within: limit)
        } catch {
            throw StateError(error)
        }
    }

    /// Runs a transition of one replica.
    ///
    /// - Parameter hash: Of the artifact's name, if it is known already; otherwise it is computed.
    func run(
        _ script: RedisScript, _ id: ReplicaID, hash: String? = nil, _ arguments: [RedisWord] = [], at now: Timestamp? = nil
    ) async throws(StateError) -> RedisValue {
        let keys = keys(of: id.pool)
        return try await run(script, [keys.counters, keys.replica(hash: hash ?? id.artifact.nameHash)], arguments, at: now)
    }

    /// - Parameter now: By this process's clock; `nil` reads it.
    func run(
        _ script: RedisScript, in pool: PoolID, _ artifacts: [ArtifactURL] = [], _ arguments: [RedisWord] = [], at now: Timestamp? = nil
    ) async throws(StateError) -> RedisValue {
        let keys = keys(of: pool)
        return try await run(script, [keys.counters] + artifacts.map(keys.replica), arguments, at: now)
    }

    func run(
        _ script: RedisScript, _ keys: [String], _ arguments: [RedisWord], at now: Timestamp? = nil
    ) async throws(StateError) -> RedisValue {
        let time: RedisWord = isTimedByServer ? "" : .integer((now ?? clock.now).milliseconds)
        do throws(RedisError) {
            return try await redis.evaluate(script, keys: keys, arguments: [time] + arguments)
        } catch {
            throw StateError(error)
        }
    }

    var now: Timestamp { clock.now }
}
