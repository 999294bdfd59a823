import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let removals: [Case] = [
        .scene("a purge takes a replica in any state, even an absent one, and takes it once") { scene in
            let failed = try scene.id(1)
            try await scene.makeError(failed)
            let pending = try scene.id(2)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            let present = try await scene.makePresent(3).id
            for id in [failed, pending, present, try scene.id(4)] {
                try requireEqual(try await scene.store.beginRemoval(id) != nil, true, "removal of \(id)")
                try await scene.requireStatus(id, .removing)
                try requireEqual(try await scene.store.replica(id)?.state, .absent, "state for people")
                try requireEqual(try await scene.store.beginRemoval(id) != nil, false, "second removal of \(id)")
            }
        },
        .scene("a purge drops the copy job and makes its late writes fail") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            try requireEqual(try await scene.store.beginRemoval(lease.id) != nil, true, "removal")
            scene.clock.advance(by: .seconds(100))
            try requireEqual(try await scene.lease(), nil, "lease of a purged job")
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), nil, "next due")
            for result in [CopyResult.present(scene.object(lease.id)), .failed(scene.failure()), .retry(after: .zero), .handBack] {
                try await scene.requireStale("finish with \(result)") { try await scene.store.finish(lease, result) }
            }
            try await scene.requireStatus(lease.id, .removing)
        },
        .scene("an expired replica is taken only while it is marked and was not used after unusedSince") { scene in
            let start = scene.now
            let id = try await scene.makePresent(1).id
            try requireEqual(
                try await scene.store.beginRemoval(id, .unused(since: start + .seconds(60)), duration: .seconds(300)) != nil, false,
                "removal without a mark")
            try requireEqual(try await scene.store.mark([id], unusedSince: start), [id], "mark")
            try requireEqual(
                try await scene.store.beginRemoval(id, .unused(since: start - .seconds(1)), duration: .seconds(300)) != nil, false,
                "removal of one used since")
            try await scene.store.touch([ReplicaUse(id: id, at: start + .seconds(1))])
            try requireEqual(
                try await scene.store.beginRemoval(id, .unused(since: start + .seconds(60)), duration: .seconds(300)) != nil, false,
                "removal of a revived one")
            try requireEqual(try await scene.store.mark([id], unusedSince: start + .seconds(1)), [id], "second mark")
            try requireEqual(
                try await scene.store.beginRemoval(id, .unused(since: start + .seconds(1)), duration: .seconds(300)) != nil, true,
                "removal at the edge")
            try await scene.requireStatus(id, .removing)
        },
        .scene("expiry takes nothing that is pending, an error, absent or under removal") { scene in
            let failed = try scene.id(1)
            try await scene.makeError(failed)
            let pending = try scene.id(2)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            let purged = try scene.id(3)
            try requireEqual(try await scene.store.beginRemoval(purged) != nil, true, "removal")
            for id in [failed, pending, purged, try scene.id(4)] {
                try requireEqual(
                    try await scene.store.beginRemoval(id, .unused(since: scene.now + .seconds(60)), duration: .seconds(300)) != nil,
                    false, "removal of \(id)")
            }
            try await scene.requireStatus(pending, .pending)
            try await scene.requireStatus(try scene.id(4), nil)
        },
        .scene("a replica under removal answers claims with exists, is leased to nobody, and is absent after its end") { scene in
            let id = try await scene.makePresent(1).id
            let removal = try requireValue(try await scene.store.beginRemoval(id), "removal")
            try requireEqual(try await scene.store.claim(id), .exists(Replica(id: id, status: .removing)), "claim")
            try requireEqual(try await scene.lease(), nil, "lease")
            try requireEqual(try await scene.store.endRemoval(removal), true, "end of the removal")
            try await scene.requireStatus(id, nil)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim after the end of the removal")
        },
        .scene(
            "forgetErrors makes absent those errors whose time ended before the given one, oldest first, at most the given number, and nothing else"
        ) { scene in
            // In neither the order of their names nor that of their pools.
            let errors = [try scene.id(2), try scene.id(1, in: scene.otherPool), try scene.id(3), try scene.id(4)]
            for (seconds, id) in zip([10, 20, 30, 40], errors) { try await scene.makeError(id, retryIn: .seconds(seconds)) }
            let retry = scene.now + .seconds(40)
            let present = try await scene.makePresent(5)
            let removed = try await scene.makePresent(6).id
            try requireEqual(try await scene.store.beginRemoval(removed) != nil, true, "removal")
            let pending = try scene.id(7)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            scene.clock.advance(by: .seconds(3_600))

            try requireEqual(try await scene.store.forgetErrors(before: retry, limit: 2), 2, "first page")
            for id in errors[..<2] { try await scene.requireStatus(id, nil) }
            try requireEqual(try await scene.store.replica(errors[2])?.state, .error, "state of the third")
            try requireEqual(try await scene.store.forgetErrors(before: retry, limit: 2), 1, "second page")
            try await scene.requireStatus(errors[2], nil)
            try requireEqual(try await scene.store.replica(errors[3])?.state, .error, "state of the one at the edge")
            try requireEqual(try await scene.store.forgetErrors(before: retry, limit: 2), 0, "third page")

            try await scene.requireStatus(present.id, present.status)
            try await scene.requireStatus(removed, .removing)
            try await scene.requireStatus(pending, .pending)
            try requireEqual(try await scene.store.totals(of: scene.pool).errors, 1, "errors that are left")
            try requireEqual(try await scene.store.totals(of: scene.otherPool), PoolTotals(), "the other pool")
            try requireEqual(try await scene.store.claim(errors[0]), .claimed, "claim of a forgotten one")
        },
        .scene("forgetErrors is reported to the streams of changes") { scene in
            let id = try scene.id(1)
            try await scene.makeError(id)
            var changes = await scene.store.changes().makeAsyncIterator()
            try requireEqual(try await scene.store.forgetErrors(before: scene.now + .seconds(60), limit: 10), 1, "forgotten")
            try requireEqual(await changes.next(), .replica(id, nil), "change")
        },
    ]
}
