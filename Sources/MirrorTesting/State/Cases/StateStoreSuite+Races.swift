import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let races: [Case] = [
        .scene("of 200 simultaneous claims exactly one succeeds, and the others find the replica pending") { scene in
            let id = try scene.id(1)
            let claims = try await scene.race(200) { _ in try await scene.store.claim(id) }
            try requireEqual(claims.filter { $0 == .claimed }.count, 1, "claims that won")
            try requireEqual(claims.filter { $0 == .exists(Replica(id: id, status: .pending)) }.count, 199, "claims that lost")
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(pending: 1), "totals")
        },
        .scene("200 simultaneous claims never exceed maxQueued", maxQueued: 50) { scene in
            let claims = try await scene.race(200) { number in try await scene.store.claim(try scene.id(number)) }
            try requireEqual(claims.filter { $0 == .claimed }.count, 50, "claims that won")
            try requireEqual(claims.filter { $0 == .queueFull }.count, 150, "claims that found the queue full")
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(pending: 50), "totals")
        },
        .scene("100 simultaneous workers never share a job, and no two leases share a token") { scene in
            for number in 0..<60 { try requireEqual(try await scene.store.claim(try scene.id(number)), .claimed, "claim") }
            let leases = try await scene.race(100) { _ in try await scene.lease() }.compactMap { $0 }
            try requireEqual(leases.count, 60, "leases")
            try requireEqual(Set(leases.map(\.id)).count, 60, "leased replicas")
            try requireEqual(Set(leases.map(\.token)).count, 60, "tokens")
        },
        .scene("one of 100 workers takes over an expired lease, and the late worker is refused") { scene in
            let old = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(16))
            let taken = try await scene.race(100) { _ in try await scene.lease() }.compactMap { $0 }
            try requireEqual(taken.count, 1, "leases")
            try await scene.requireStale("late finish") { try await scene.store.finish(old, .present(scene.object(old.id))) }
            try await scene.requireStatus(old.id, .pending)
        },
        .scene("after a simultaneous heartbeat and take-over, exactly one of them has the lease") { scene in
            for number in 0..<60 {
                let old = try await scene.claimAndLease(try scene.id(number))
                scene.clock.advance(by: .seconds(16))
                let winners = try await scene.race(2) { side in
                    if side == 0 { return try await scene.lease() != nil }
                    do {
                        _ = try await scene.store.extend(old, duration: .seconds(15))
                        return true
                    } catch let error as StateError where error.code == .staleLease {
                        return false
                    }
                }
                try requireEqual(winners.filter { $0 }.count, 1, "holders of lease \(number)")
                try requireEqual(try await scene.store.beginRemoval(old.id) != nil, true, "purge")
            }
        },
        .scene("100 copies that end while they are purged are never handed out") { scene in
            var leases: [CopyLease] = []
            for number in 0..<100 { leases.append(try await scene.claimAndLease(try scene.id(number))) }
            let held = leases
            _ = try await scene.race(200) { number in
                let lease = held[number / 2]
                if number.isMultiple(of: 2) {
                    try require(try await scene.store.beginRemoval(lease.id) != nil, "the purge did not take \(lease.id)")
                } else {
                    do {
                        try await scene.store.finish(lease, .present(scene.object(lease.id)))
                    } catch let error as StateError where error.code == .staleLease {}
                }
            }
            for lease in held { try await scene.requireStatus(lease.id, .removing) }
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(), "totals")
        },
        .scene("of a simultaneous use and removal one wins, 100 times") { scene in
            let start = scene.now
            var ids: [ReplicaID] = []
            for number in 0..<100 { ids.append(try await scene.makePresent(number).id) }
            try requireEqual(try await scene.store.mark(ids, unusedSince: start).count, 100, "marked")
            let held = ids
            let taken = try await scene.race(200) { number in
                let id = held[number / 2]
                if number.isMultiple(of: 2) {
                    return try await scene.store.beginRemoval(id, .unused(since: start), duration: .seconds(300)) != nil
                }
                try await scene.store.touch([ReplicaUse(id: id, at: start + .seconds(1))])
                return false
            }
            for (number, id) in held.enumerated() {
                if taken[number * 2] {
                    try await scene.requireStatus(id, .removing)
                } else {
                    try requireEqual(try await scene.presentObject(id).markedAt, nil, "mark")
                }
            }
        },
        .scene("of a simultaneous claim and back-fill one creates the replica, 100 times") { scene in
            for number in 0..<100 {
                let id = try scene.id(number)
                let seen = try await scene.race(2) { side -> Replica.State in
                    if side == 0 { return try await scene.store.recordPresent(id, scene.object(id))?.state ?? .absent }
                    switch try await scene.store.claim(id) {
                    case .claimed: return .pending
                    case .exists(let replica): return replica.state
                    case .queueFull: return .absent
                    }
                }
                let state = try await scene.store.replica(id)?.state
                try requireEqual(seen, [state, state], "what both saw of \(id)")
            }
        },
        .scene("of 200 simultaneous uses the latest is recorded") { scene in
            let id = try await scene.makePresent(1).id
            let start = scene.now
            scene.clock.advance(by: .seconds(200))
            _ = try await scene.race(200) { number in
                try await scene.store.touch([ReplicaUse(id: id, at: start + .seconds((number * 7) % 200))])
            }
            try requireEqual(try await scene.presentObject(id).lastUsed, start + .seconds(199), "lastUsed")
        },
        .scene("one of 100 simultaneous purges takes the replica") { scene in
            let id = try await scene.makePresent(1).id
            let taken = try await scene.race(100) { _ in try await scene.store.beginRemoval(id) != nil }
            try requireEqual(taken.filter { $0 }.count, 1, "purges that took it")
        },
    ]
}
