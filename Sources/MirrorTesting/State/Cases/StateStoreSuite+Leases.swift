import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let leases: [Case] = [
        .scene("jobs are leased oldest first, each to one worker, even those of one millisecond") { scene in
            // Not in the order of their names, to detect a store that sorts by name.
            for number in [5, 3, 4, 1, 2] { try requireEqual(try await scene.store.claim(try scene.id(number)), .claimed, "claim") }
            scene.clock.advance(by: .milliseconds(1))
            try requireEqual(try await scene.store.claim(try scene.id(0)), .claimed, "claim")
            for number in [5, 3, 4, 1, 2, 0] {
                try requireEqual(try await scene.lease()?.id, try scene.id(number), "leased replica")
            }
            try requireEqual(try await scene.lease(), nil, "seventh lease")
        },
        .scene("a lease states its holder, its attempt and its end") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            let lease = try requireValue(try await scene.lease(duration: .seconds(15)), "lease")
            try requireEqual(lease.id, id, "replica")
            try requireEqual(lease.attempt, 1, "attempt")
            try requireEqual(lease.expires, scene.now + .seconds(15), "expiry")
            try await scene.requireStatus(id, .pending)
        },
        .scene("a lease states when its job was queued; this stays the same across retries, hand-backs and expired leases") { scene in
            let (id, queuedAt) = (try scene.id(1), scene.now)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            scene.clock.advance(by: .seconds(5))
            let first = try requireValue(try await scene.lease(), "lease")
            try requireEqual(first.queuedAt, queuedAt, "time of the first lease")
            scene.clock.advance(by: .seconds(5))
            try requireEqual(try await scene.store.extend(first, duration: .seconds(15)).queuedAt, queuedAt, "time after a heartbeat")
            try await scene.store.finish(first, .retry(after: .seconds(5)))
            scene.clock.advance(by: .seconds(5))
            let second = try requireValue(try await scene.lease(), "lease after a retry")
            try requireEqual(second.queuedAt, queuedAt, "time after a retry")
            try await scene.store.finish(second, .handBack)
            try requireEqual(try await scene.loseLease(id).queuedAt, queuedAt, "time after a hand-back")
            let last = try requireValue(try await scene.lease(), "lease of what ran out")
            try requireEqual(last.queuedAt, queuedAt, "time after a lease that ran out")

            // A job that is queued again has a new time.
            try requireEqual(try await scene.store.remove(id), true, "removal")
            scene.clock.advance(by: .seconds(5))
            try requireEqual(try await scene.claimAndLease(id).queuedAt, scene.now, "time of the next job")
        },
        .scene("jobs of pools that were not asked for are not leased") { scene in
            try requireEqual(try await scene.store.claim(try scene.id(1)), .claimed, "claim")
            try requireEqual(try await scene.lease(pools: [scene.otherPool]), nil, "lease for the other pool")
            try requireEqual(try await scene.store.nextDue(pools: [scene.otherPool]), nil, "next due of the other pool")
            try requireEqual(try await scene.lease(pools: []), nil, "lease for no pool")
            try requireEqual(try await scene.lease(pools: [scene.pool])?.id, try scene.id(1), "lease for its pool")
        },
        .scene("among several pools, the oldest job is leased first") { scene in
            let ids = [try scene.id(2), try scene.id(1, in: scene.otherPool), try scene.id(3)]
            for id in ids {
                try requireEqual(try await scene.store.claim(id), .claimed, "claim")
                scene.clock.advance(by: .milliseconds(5))
            }
            for id in ids { try requireEqual(try await scene.lease()?.id, id, "leased replica") }
        },
        .scene("a job whose lease expired is leased again with a larger token and the next attempt") { scene in
            let first = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(14))
            try requireEqual(try await scene.lease(), nil, "lease while the first runs")
            scene.clock.advance(by: .seconds(2))
            let second = try requireValue(try await scene.lease(), "lease after the first ran out")
            try requireEqual(second.id, first.id, "replica")
            try requireEqual(second.attempt, 2, "attempt")
            try require(second.token > first.token, "token \(second.token) is not larger than \(first.token)")
        },
        .scene("tokens grow across different jobs") { scene in
            let first = try await scene.claimAndLease(try scene.id(1))
            let second = try await scene.claimAndLease(try scene.id(2))
            try require(second.token > first.token, "token \(second.token) is not larger than \(first.token)")
        },
        .scene("nextDue is when the next job can be leased: a queued one's time, or a lease's end") { scene in
            let claimedAt = scene.now
            try requireEqual(try await scene.store.claim(try scene.id(1)), .claimed, "claim")
            let due = try requireValue(try await scene.store.nextDue(pools: scene.pools), "next due of a queued job")
            try require(due <= claimedAt, "a queued job is due at \(due), after it was queued at \(claimedAt)")
            let lease = try requireValue(try await scene.lease(), "lease")
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), lease.expires, "next due of a leased job")
            try await scene.store.finish(lease, .retry(after: .seconds(40)))
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), scene.now + .seconds(40), "next due of a retry")
        },
        .scene("a heartbeat makes the lease run from now, and keeps token and attempt") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(10))
            let extended = try await scene.store.extend(lease, duration: .seconds(15))
            try requireEqual(
                extended,
                CopyLease(
                    id: lease.id, token: lease.token, attempt: lease.attempt, queuedAt: lease.queuedAt,
                    expires: scene.now + .seconds(15)),
                "lease")
            scene.clock.advance(by: .seconds(10))
            try requireEqual(try await scene.lease(), nil, "lease by another worker")
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), extended.expires, "next due")
        },
        .scene("an expired lease that nobody else took can still be extended") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(100))
            let extended = try await scene.store.extend(lease, duration: .seconds(15))
            try requireEqual(extended.attempt, 1, "attempt")
            try requireEqual(try await scene.lease(), nil, "lease by another worker")
        },
        .scene("extend with a token that is not the newest throws staleLease and changes nothing") { scene in
            let old = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(16))
            let new = try requireValue(try await scene.lease(), "second lease")
            try await scene.requireStale("extend") { _ = try await scene.store.extend(old, duration: .seconds(900)) }
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), new.expires, "end of the second lease")
        },
        .scene("extend of a job that is done, purged or was never there throws staleLease") { scene in
            let done = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.finish(done, .present(scene.object(done.id)))
            try await scene.requireStale("extend of a done job") { _ = try await scene.store.extend(done, duration: .seconds(1)) }
            let purged = try await scene.claimAndLease(try scene.id(2))
            try requireEqual(try await scene.store.beginRemoval(purged.id) != nil, true, "removal")
            try await scene.requireStale("extend of a purged job") { _ = try await scene.store.extend(purged, duration: .seconds(1)) }
            let unknown = CopyLease(id: try scene.id(3), token: done.token, attempt: 1, queuedAt: scene.now, expires: scene.now)
            try await scene.requireStale("extend of no job") { _ = try await scene.store.extend(unknown, duration: .seconds(1)) }
            try await scene.requireStatus(unknown.id, nil)
        },
        .scene("confirm accepts the newest lease until its job is gone, and changes nothing") { scene in
            let old = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(10))
            try await scene.store.confirm(old)
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), old.expires, "end of the lease")
            scene.clock.advance(by: .seconds(6))
            // It has expired, but nobody has taken the job.
            try await scene.store.confirm(old)
            let new = try requireValue(try await scene.lease(), "second lease")
            try await scene.requireStale("confirm of the first lease") { try await scene.store.confirm(old) }
            try await scene.store.confirm(new)
            try await scene.store.finish(new, .retry(after: .zero))
            try await scene.requireStale("confirm of a job that was put back") { try await scene.store.confirm(new) }
            let third = try requireValue(try await scene.lease(), "third lease")
            try requireEqual(try await scene.store.beginRemoval(third.id) != nil, true, "removal")
            try await scene.requireStale("confirm of a purged job") { try await scene.store.confirm(third) }
            let done = try await scene.claimAndLease(try scene.id(2))
            try await scene.store.finish(done, .present(scene.object(done.id)))
            try await scene.requireStale("confirm of a done job") { try await scene.store.confirm(done) }
        },
    ]

    /// With terms for one pool, for which every store can lease in the same step.
    static let leasesInPassing: [Case] = [
        .scene("a lease that finds no job says when the first is due outside its last set of lanes") { scene in
            try requireEqual(try await scene.store.lease(scene.terms()), .notDue(next: nil), "lease without jobs")
            let lease = try await scene.claimAndLease(try scene.id(1))
            try requireEqual(try await scene.store.lease(scene.terms()), .notDue(next: lease.expires), "lease while the job is leased")
            try requireEqual(
                try await scene.store.lease(scene.terms([[], [lease.lane]])), .notDue(next: nil), "lease that passes over its lane")
        },
        .scene("a lease passes over its first set of lanes, and over its next one only if nothing else is due") { scene in
            let (busy, quiet) = (try scene.id(1, at: "https://busy.example.org"), try scene.id(1, at: "https://quiet.example.org"))
            for id in [busy, quiet] {
                try requireEqual(try await scene.store.claim(id), .claimed, "claim")
                scene.clock.advance(by: .milliseconds(1))
            }
            let terms = scene.terms([[CopyLane(of: busy.artifact)], []])
            try requireEqual(try requireLease(try await scene.store.lease(terms)).id, quiet, "first lease")
            try requireEqual(try requireLease(try await scene.store.lease(terms)).id, busy, "second lease")
        },
        .scene("a claim leases the oldest job in the same step, and one that does not succeed leases none") { scene in
            let (first, second) = (try scene.id(1), try scene.id(2))
            try requireEqual(try await scene.store.claim(first), .claimed, "claim")
            scene.clock.advance(by: .milliseconds(1))
            let (claim, outcome) = try await scene.store.claim(second, leasing: scene.terms())
            try requireEqual(claim, .claimed, "claim with terms")
            try requireEqual(try requireLease(outcome).id, first, "leased replica")
            let (again, none) = try await scene.store.claim(second, leasing: scene.terms())
            try requireEqual(again, .exists(Replica(id: second, status: .pending)), "second claim with terms")
            try requireEqual(none, nil, "lease by a claim that did not succeed")
            try requireEqual(try await scene.lease()?.id, second, "the job that is left")
            let third = try scene.id(3)
            let passed = try await scene.store.claim(third, leasing: scene.terms([[CopyLane(of: third.artifact)]]))
            try requireEqual(passed.claim, .claimed, "claim that passes over its own lane")
            try requireEqual(passed.lease, .notDue(next: nil), "its lease")
        },
        .scene("a claim can lease its own job, which others do not get") { scene in
            let id = try scene.id(1)
            let (claim, outcome) = try await scene.store.claim(id, leasing: scene.terms())
            try requireEqual(claim, .claimed, "claim")
            let lease = try requireLease(outcome)
            try requireEqual(
                lease, CopyLease(id: id, token: lease.token, attempt: 1, queuedAt: scene.now, expires: scene.now + .seconds(15)), "lease")
            try requireEqual(try await scene.lease(), nil, "lease by another worker")
            try await scene.store.finish(lease, .present(scene.object(id)))
            _ = try await scene.presentObject(id)
        },
        .scene("the end of a lease leases the next job in the same step, and a stale one leases none") { scene in
            let first = try await scene.claimAndLease(try scene.id(1))
            try requireEqual(try await scene.store.claim(try scene.id(2)), .claimed, "claim")
            let outcome = try await scene.store.finish(first, .present(scene.object(first.id)), leasing: scene.terms())
            let second = try requireLease(outcome)
            try requireEqual(second.id, try scene.id(2), "leased replica")
            try requireEqual(try await scene.store.claim(try scene.id(3)), .claimed, "claim")
            try await scene.requireStale("finish") {
                _ = try await scene.store.finish(first, .present(scene.object(first.id)), leasing: scene.terms())
            }
            let third = try requireLease(try await scene.store.finish(second, .failed(scene.failure()), leasing: scene.terms()))
            try requireEqual(third.id, try scene.id(3), "replica leased after a failure")
            // A job that is put back is behind the others, and a hand-back before them.
            try requireEqual(
                try await scene.store.finish(third, .retry(after: .seconds(5)), leasing: scene.terms()),
                .notDue(next: scene.now + .seconds(5)), "lease after a retry")
            scene.clock.advance(by: .seconds(5))
            let fourth = try requireValue(try await scene.lease(), "lease")
            let again = try requireLease(try await scene.store.finish(fourth, .handBack, leasing: scene.terms()))
            try requireEqual(again.id, fourth.id, "replica leased after a hand-back")
            try requireEqual(again.attempt, fourth.attempt, "its attempt")
        },
        .scene("a job whose attempts never end is set aside by a claim, too, and announced") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            try await scene.loseLease(id)
            try await scene.loseLease(id)
            let (claim, outcome) = try await scene.store.claim(try scene.id(2), leasing: scene.terms())
            try requireEqual(claim, .claimed, "claim")
            guard case .setAside(id, _)? = outcome else { throw ConformanceFailure("the outcome is \(String(describing: outcome))") }
            guard case .error(let failure)? = try await scene.store.replica(id)?.status else {
                throw ConformanceFailure("\(id) is not an error")
            }
            try requireEqual(failure.reason, .unfinished, "reason")
        },
    ]
}
