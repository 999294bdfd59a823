import Logging
package import MirrorCore
package import MirrorState
import RedisClient

/// Listings and totals.
extension RedisStateStore {
    package func time(in pool: PoolID) async throws -> Timestamp {
        guard let now = Self.milliseconds(try await run(.time, in: pool)) else { throw StateError.unexpected("time") }
        return Timestamp(milliseconds: now)
    }

    /// The first page also recounts the bytes of the pool, if that was not done within the last hour.
    package func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        let limit = StatePage.length(limit)
        var found: [Replica] = []
        var isRecountDue = false
        var isEnd = false
        var place: [RedisWord] = ["", ""]
        if let after {
            guard case .present(let object) = after.status else { return [] }
            place = [.integer(object.lastUsed.milliseconds), .text(after.id.artifact.nameHash)]
        }
        while !isEnd, found.count < limit {
            let answer = try await run(.leastRecentlyUsed, in: pool, [], place + [.integer(Int64(limit - found.count))])
            guard let values = answer.array, values.count >= 4, let lastUse = values[2].string, let lastHash = values[3].string else {
                throw StateError.unexpected("leastRecentlyUsed")
            }
            isEnd = values[0].integer == 1
            isRecountDue = values[1].integer == 1
            place = [.text(lastUse), .text(lastHash)]
            found += try replicas(in: pool, values.dropFirst(4))
        }
        if isRecountDue, after == nil { try await reconcile(pool) }
        return found
    }

    package func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        let limit = StatePage.length(limit)
        let statuses = (state.map { [$0] } ?? Replica.State.allCases).map(Self.status)
        var found: [Replica] = []
        for pool in pool.map({ [$0] }) ?? keys.map(\.pool) {
            var place = ""
            if let after {
                if pool.description < after.pool.description { continue }
                if pool == after.pool { place = after.artifact.nameHash }
            }
            var isEnd = false
            while !isEnd, found.count < limit {
                let answer = try await run(.list, in: pool, [], [.text(place), .integer(Int64(limit - found.count))] + statuses)
                guard let values = answer.array, values.count >= 2, let last = values[1].string else {
                    throw StateError.unexpected("replicas")
                }
                isEnd = values[0].integer == 1
                place = last
                found += try replicas(in: pool, values.dropFirst(2))
            }
        }
        return found
    }

    package func totals(of pool: PoolID) async throws -> PoolTotals {
        let values = try await run(.totals, in: pool).array?.map(\.integer) ?? []
        guard values.count == 4, let objects = values[0], let bytes = values[1], let pending = values[2], let errors = values[3] else {
            throw StateError.unexpected("totals")
        }
        return PoolTotals(objects: Int(objects), bytes: max(0, bytes), pending: Int(pending), errors: Int(errors))
    }

    package func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] {
        let values = try await run(.lanes, in: pool).array ?? []
        let totals = try stride(from: 0, to: values.count - 1, by: 2).map { position throws(StateError) in
            guard let lane = values[position].string, let jobs = values[position + 1].integer else { throw StateError.unexpected("lanes") }
            return LaneTotals(lane: CopyLane(written: lane), jobs: Int(jobs))
        }
        return LaneTotals.busiest(totals, limit: limit)
    }

    /// The name of a state in scripts.
    private static func status(of state: Replica.State) -> RedisWord { state == .absent ? "removing" : .text(state.rawValue) }

    /// The records that can be read: an unreadable one must not keep the sweep, or an operator, from the others.
    private func replicas(in pool: PoolID, _ values: some Sequence<RedisValue>) throws(StateError) -> [Replica] {
        let keys = keys(of: pool)
        var found: [Replica] = []
        for value in values {
            guard let words = value.array, let hash = words.first?.string else { throw StateError.unexpected("a listing") }
            let fields = RecordFields(words.dropFirst())
            guard let id = fields.url.flatMap({ keys.replica(ofURL: $0) }) else {
                logger.warning("a record is skipped: it belongs to no artifact", metadata: ["pool": "\(pool)", "hash": "\(hash)"])
                continue
            }
            do throws(StateError) {
                guard let replica = try fields.replica(id, at: clock.now) else { throw StateError.otherType }
                found.append(replica)
            } catch {
                logger.warning("a record is skipped", metadata: ["replica": "\(id)", "error": "\(error.message)"])
            }
        }
        return found
    }
}
