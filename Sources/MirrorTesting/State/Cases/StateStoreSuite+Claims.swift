import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let claims: [Case] = [
        .scene("a replica that nobody claimed is absent") { scene in
            try await scene.requireStatus(try scene.id(1), nil)
            try requireEqual(try await scene.lease(), nil, "lease")
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), nil, "next due")
        },
        .scene("the first claim of an absent replica makes it pending, and the second finds it pending") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "first claim")
            try requireEqual(try await scene.store.claim(id), .exists(Replica(id: id, status: .pending)), "second claim")
            try await scene.requireStatus(id, .pending)
        },
        .scene("one artifact in two pools is two replicas") { scene in
            try requireEqual(try await scene.store.claim(try scene.id(1)), .claimed, "claim")
            try await scene.requireStatus(try scene.id(1, in: scene.otherPool), nil)
            try requireEqual(try await scene.store.claim(try scene.id(1, in: scene.otherPool)), .claimed, "claim in the other pool")
        },
        .scene("a claim of a present replica does not succeed") { scene in
            let replica = try await scene.makePresent(1)
            try requireEqual(try await scene.store.claim(replica.id), .exists(replica), "claim")
            try requireEqual(try await scene.lease(), nil, "lease")
        },
        .scene("a claim of an error succeeds once its retryAt has passed, and not before") { scene in
            let id = try scene.id(1)
            try await scene.makeError(id, retryIn: .seconds(30))
            let replica = try requireValue(try await scene.store.replica(id))
            scene.clock.advance(by: .seconds(29))
            try requireEqual(try await scene.store.claim(id), .exists(replica), "early claim")
            scene.clock.advance(by: .seconds(2))
            try requireEqual(try await scene.store.claim(id), .claimed, "late claim")
            let lease = try requireValue(try await scene.lease(), "lease")
            try requireEqual(lease.attempt, 1, "attempt of the new job")
        },
        .scene("a claim beyond maxQueued jobs is queueFull and changes nothing", maxQueued: 3) { scene in
            let failed = try scene.id(9)
            try await scene.makeError(failed, retryIn: .seconds(1))
            scene.clock.advance(by: .seconds(2))
            let before = try await scene.store.replica(failed)
            for number in 1...3 { try requireEqual(try await scene.store.claim(try scene.id(number)), .claimed, "claim \(number)") }
            try requireEqual(try await scene.store.claim(try scene.id(4)), .queueFull, "claim of an absent replica")
            try requireEqual(try await scene.store.claim(failed), .queueFull, "claim of an error")
            try await scene.requireStatus(try scene.id(4), nil)
            try requireEqual(try await scene.store.replica(failed), before, "the error")
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(pending: 3, errors: 1), "totals")
        },
        .scene("maxQueued counts the jobs of all pools, and a finished one makes room", maxQueued: 2) { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            try requireEqual(try await scene.store.claim(try scene.id(2, in: scene.otherPool)), .claimed, "claim in the other pool")
            try requireEqual(try await scene.store.claim(try scene.id(3)), .queueFull, "third claim")
            try await scene.store.finish(lease, .present(scene.object(lease.id)))
            try requireEqual(try await scene.store.claim(try scene.id(3)), .claimed, "claim after the end of a job")
        },
        .scene("a full queue does not hide what is known", maxQueued: 1) { scene in
            let present = try await scene.makePresent(1)
            try requireEqual(try await scene.store.claim(try scene.id(2)), .claimed, "claim")
            try requireEqual(try await scene.store.claim(present.id), .exists(present), "claim of a present replica")
            let pending = Replica(id: try scene.id(2), status: .pending)
            try requireEqual(try await scene.store.claim(pending.id), .exists(pending), "claim of a pending replica")
        },
    ]
}
