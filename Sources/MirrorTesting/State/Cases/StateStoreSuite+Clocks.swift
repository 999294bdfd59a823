import MirrorCore
import MirrorState

extension StateStoreSuite {
    /// The effects of a clock that is set back by an hour, and of one that was an hour ahead for a while.
    static let clocks: [Case] = [
        .scene("a queued job can be leased at once if the clock is set back") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            scene.clock.advance(by: .seconds(-3_600))
            try requireEqual(try await scene.lease()?.id, id, "leased replica")
        },
        .scene("a job between two attempts waits no longer than its pause if the clock is set back") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.finish(lease, .retry(after: .seconds(30)))
            scene.clock.advance(by: .seconds(-3_600))
            try requireEqual(try await scene.lease(), nil, "lease within the pause")
            let due = try requireValue(try await scene.store.nextDue(pools: scene.pools), "next due")
            try require(due <= scene.now + .seconds(30), "due \(scene.now.duration(to: due)) from now")
            scene.clock.advance(by: .seconds(30))
            try requireEqual(try await scene.lease()?.attempt, 2, "attempt after the pause")
        },
        .scene("a pause between two attempts begins when the store is told about it, even if the clock was set back in the meantime") {
            scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(-3_600))
            try await scene.store.finish(lease, .retry(after: .seconds(30)))
            try requireEqual(try await scene.lease(), nil, "lease within the pause")
            let due = try requireValue(try await scene.store.nextDue(pools: scene.pools), "next due")
            try requireEqual(due, scene.now + .seconds(30), "next due")
            scene.clock.advance(by: .seconds(30))
            try requireEqual(try await scene.lease()?.attempt, 2, "attempt after the pause")
        },
        .scene("a negative pause is no pause") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.finish(lease, .retry(after: .seconds(-5)))
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), scene.now, "next due")
            try requireEqual(try await scene.lease()?.attempt, 2, "attempt")
        },
        .scene("a job that was handed back can be leased at once if the clock is set back") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(-3_600))
            try await scene.store.finish(lease, .handBack)
            try requireEqual(try await scene.lease()?.attempt, 1, "attempt")
        },
        .scene("a lease never says that a job was queued in the future if the clock is set back") { scene in
            try requireEqual(try await scene.store.claim(try scene.id(1)), .claimed, "claim")
            scene.clock.advance(by: .seconds(-3_600))
            let lease = try requireValue(try await scene.lease(), "lease")
            try require(lease.queuedAt <= scene.now, "the job was queued at \(lease.queuedAt), which is to come")
        },
        .scene("a lease lasts no longer than its duration if the clock is set back") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(-3_600))
            try requireEqual(try await scene.lease(), nil, "lease while it runs")
            scene.clock.advance(by: .seconds(15))
            let again = try requireValue(try await scene.lease(), "lease of what ran out")
            try requireEqual(again.id, lease.id, "leased replica")
            try await scene.requireStale("finish of the old lease") { try await scene.store.finish(lease, .handBack) }
        },
        .scene("an error can be tried again no later than after its time if the clock is set back") { scene in
            let id = try scene.id(1)
            try await scene.makeError(id, retryIn: .seconds(30))
            _ = try await scene.lease()
            scene.clock.advance(by: .seconds(-3_600))
            // Workers ask for leases all the time.
            _ = try await scene.lease()
            guard case .error(let failure) = try await scene.store.replica(id)?.status else {
                throw ConformanceFailure("the replica is not an error")
            }
            try require(failure.retryAt <= scene.now + .seconds(30), "the time when it may be tried again lies in the future")
            scene.clock.advance(by: .seconds(30))
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
        },
        .scene("a removal expires no later than after its time if the clock is set back") { scene in
            let id = try await scene.makePresent(1).id
            try requireEqual(try await scene.store.beginRemoval(id, .none, duration: .seconds(60)) != nil, true, "removal")
            scene.clock.advance(by: .seconds(-3_600))
            try requireEqual(try await scene.store.abandonedRemovals(in: id.pool, limit: 9), [], "abandoned removals")
            scene.clock.advance(by: .seconds(60))
            try requireEqual(try await scene.store.abandonedRemovals(in: id.pool, limit: 9), [id], "abandoned removals")
            try requireEqual(try await scene.store.beginRemoval(id, .abandoned, duration: .seconds(60)) != nil, true, "another one")
        },
        .scene("uses and marks are never in the future if the clock is set back") { scene in
            let old = try await scene.makePresent(1, lastUsed: scene.now - .seconds(7_200))
            let used = try await scene.makePresent(2)
            let marked = try await scene.makePresent(3)
            try requireEqual(try await scene.store.mark([marked.id], unusedSince: scene.now), [marked.id], "marked")
            _ = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 9)
            scene.clock.advance(by: .seconds(-3_600))
            let (start, other) = (scene.now, try scene.id(4))
            try requireEqual(try await scene.store.claim(other), .claimed, "claim")
            scene.clock.advance(by: .seconds(60))
            let listed = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 9)
            try requireEqual(listed.first, old, "the one that was not used for longest")
            try requireEqual(Set(listed.map(\.id)), [old.id, used.id, marked.id], "all")
            for replica in listed {
                guard case .present(let object) = replica.status else { throw ConformanceFailure("\(replica.id) is not present") }
                try require(object.lastUsed <= scene.now, "the last use of \(replica.id) lies in the future")
                try require(object.markedAt ?? start <= scene.now, "the mark of \(replica.id) lies in the future")
            }
            // A use after that counts.
            try await scene.store.touch([ReplicaUse(id: used.id, at: scene.now)])
            try requireEqual(try await scene.presentObject(used.id).lastUsed, scene.now, "last use")
        },
        .scene("a use that is far ahead of the store's clock counts as one now, whichever call tells of it") { scene in
            let (now, later) = (scene.now, scene.now + .seconds(86_400))
            let found = try await scene.makePresent(1, lastUsed: later).id
            let copied = try await scene.claimAndLease(try scene.id(2))
            try await scene.store.finish(copied, .present(scene.object(copied.id, lastUsed: later)))
            let used = try await scene.makePresent(3, lastUsed: now - .seconds(10)).id
            try await scene.store.touch([ReplicaUse(id: used, at: later)])
            let marked = try await scene.makePresent(4, lastUsed: now - .seconds(10)).id
            try requireEqual(try await scene.store.mark([marked], unusedSince: now), [marked], "marked")
            try await scene.store.touch([ReplicaUse(id: marked, at: later)])
            for id in [found, copied.id, used, marked] {
                try requireEqual(try await scene.presentObject(id).lastUsed, now, "last use of \(id)")
            }
            let listed = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 9)
            for replica in listed {
                guard case .present(let object) = replica.status else { throw ConformanceFailure("\(replica.id) is not present") }
                try requireEqual(object.lastUsed, now, "listed last use of \(replica.id)")
            }
            // The clocks of machines differ a little.
            try await scene.store.touch([ReplicaUse(id: used, at: now + .seconds(60))])
            try requireEqual(try await scene.presentObject(used).lastUsed, now + .seconds(60), "last use a little ahead")
        },
        .scene("jobs queued before a clock was ahead for a while are not delayed by that") { scene in
            let before = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.finish(before, .retry(after: .seconds(30)))
            scene.clock.advance(by: .seconds(3_600))
            let during = try scene.id(2)
            try requireEqual(try await scene.store.claim(during), .claimed, "claim meanwhile")
            scene.clock.advance(by: .seconds(-3_600))
            try requireEqual(try await scene.lease()?.id, during, "what was queued meanwhile")
            try requireEqual(try await scene.lease(), nil, "lease within the pause")
            scene.clock.advance(by: .seconds(30))
            // The other lease has expired, too.
            let leases = [try await scene.lease(), try await scene.lease()]
            try require(leases.contains { $0?.id == before.id }, "the job from before was not leased")
        },
    ]
}
