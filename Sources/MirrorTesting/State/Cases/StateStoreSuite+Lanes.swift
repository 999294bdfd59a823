import MirrorCore
import MirrorState

extension StateStoreSuite {
    private static let busy = "https://busy.example.org"
    private static let quiet = "https://quiet.example.org"

    static let lanes: [Case] = [
        .scene(
            "the only job of an origin is leased before a thousand older ones of another origin, which is passed over", maxQueued: 2_000
        ) { scene in
            _ = try await scene.race(20) { task in
                for number in 0..<50 { _ = try await scene.store.claim(try scene.id(task * 50 + number, at: busy)) }
            }
            scene.clock.advance(by: .seconds(1))
            let quiet = try scene.id(1, at: quiet)
            try requireEqual(try await scene.store.claim(quiet), .claimed, "claim")
            let passed: Set = [CopyLane(of: try scene.id(1, at: busy).artifact)]
            let lease = try requireLease(try await scene.outcome(passingOver: passed))
            try requireEqual(lease.id, quiet, "leased replica")
            try requireEqual(lease.lane, CopyLane(of: quiet.artifact), "lane")
            try requireEqual(try await scene.outcome(passingOver: passed), nil, "second lease")
            try requireEqual(
                try await scene.store.nextDue(pools: scene.pools, passingOver: passed), lease.expires,
                "next due without the busy origin")
            try requireEqual(try requireLease(try await scene.outcome()).lane, passed.first, "lane of a lease that passes over nothing")
        },
        .scene("a lane is the scheme, the host and the port of a URL, whatever its path, query and pool") { scene in
            let ids = [
                try scene.id(1, at: busy), try scene.id(2, at: "\(busy):8443"), try scene.id(3, at: "http://busy.example.org"),
                try scene.id(4, at: "https://[2001:db8::1]:8443"), try scene.id(5, at: "https://a.busy.example.org"),
            ]
            for id in ids {
                try requireEqual(try await scene.store.claim(id), .claimed, "claim")
                scene.clock.advance(by: .milliseconds(1))
            }
            let twin = ReplicaID(artifact: try ArtifactURL("\(busy):443/other?https://[2001:db8::1]/"), pool: scene.otherPool)
            try requireEqual(try await scene.store.claim(twin), .claimed, "claim in the other pool")
            var passed: Set<CopyLane> = []
            for id in ids {
                let lease = try requireLease(try await scene.outcome(passingOver: passed))
                try requireEqual(lease.id, id, "leased replica")
                passed.insert(lease.lane)
            }
            try requireEqual(passed.count, ids.count, "lanes")
            try requireEqual(try await scene.outcome(passingOver: passed), nil, "lease that passes over all of them")
            try requireEqual(try requireLease(try await scene.outcome()).id, twin, "leased replica of the other pool")
        },
        .scene("jobs of one lane are leased oldest first, whatever happened to those before them") { scene in
            let ids = try (1...4).map { try scene.id($0, at: busy) }
            for id in ids {
                try requireEqual(try await scene.store.claim(id), .claimed, "claim")
                scene.clock.advance(by: .milliseconds(1))
            }
            let other: Set = [CopyLane(of: try scene.id(1, at: quiet).artifact)]
            let first = try requireLease(try await scene.outcome(passingOver: other))
            try requireEqual(first.id, ids[0], "first")
            try requireEqual(try await scene.store.beginRemoval(ids[1]) != nil, true, "purge of the second")
            try await scene.store.finish(first, .retry(after: .seconds(5)))
            let third = try requireLease(try await scene.outcome(passingOver: other))
            try requireEqual(third.id, ids[2], "third")
            try await scene.store.finish(third, .handBack)
            try requireEqual(try requireLease(try await scene.outcome(passingOver: other)).id, ids[2], "the one that was handed back")
            try requireEqual(try requireLease(try await scene.outcome(passingOver: other)).id, ids[3], "fourth")
            scene.clock.advance(by: .seconds(5))
            try requireEqual(try requireLease(try await scene.outcome(passingOver: other)).id, ids[0], "the one that was tried again")
        },
        .scene("100 workers that pass over different lanes never share a job, and leave none behind") { scene in
            let origins = (0..<10).map { "https://origin-\($0).example.org" }
            for number in 0..<60 {
                try requireEqual(try await scene.store.claim(try scene.id(number, at: origins[number % 10])), .claimed, "claim")
            }
            let outcomes: [LeaseOutcome] = try await scene.race(100) { number in
                let passed = CopyLane(of: try scene.id(1, at: origins[number % 10]).artifact)
                return try await scene.outcome(passingOver: [passed])
            }.compactMap(\.self)
            let leases = try outcomes.map { try requireLease($0) }
            try requireEqual(leases.count, 60, "leases")
            try requireEqual(Set(leases.map(\.id)).count, 60, "leased replicas")
        },
        .scene(
            "a claim beyond maxQueuedPerOrigin jobs of its origin is queueFull and changes nothing, and other origins and pools have room",
            maxQueuedPerOrigin: 2
        ) { scene in
            let ids = try (1...3).map { try scene.id($0, at: busy) }
            try requireEqual(try await scene.store.claim(ids[0]), .claimed, "first claim")
            let lease = try requireLease(try await scene.outcome())
            try requireEqual(try await scene.store.claim(ids[1]), .claimed, "second claim")
            try requireEqual(try await scene.store.claim(ids[2]), .queueFull, "claim beyond")
            try await scene.requireStatus(ids[2], nil)
            let pending = Replica(id: ids[1], status: .pending)
            try requireEqual(try await scene.store.claim(ids[1]), .exists(pending), "claim of what is pending")
            try requireEqual(try await scene.store.claim(try scene.id(4, at: quiet)), .claimed, "claim of another origin")
            let elsewhere = ReplicaID(artifact: ids[2].artifact, pool: scene.otherPool)
            try requireEqual(try await scene.store.claim(elsewhere), .claimed, "claim in the other pool")
            try await scene.store.finish(lease, .present(scene.object(lease.id)))
            try requireEqual(try await scene.store.claim(ids[2]), .claimed, "claim once one has ended")
        },
        .scene("the numbers of queued and leased jobs of each lane are reported, whatever happens to the jobs") { scene in
            func requireLanes(_ expected: [(CopyLane, Int)], _ what: String, line: Int = #line) async throws {
                let lanes = try await scene.store.lanes(in: scene.pool, limit: 1_000)
                try requireEqual(lanes, expected.map { LaneTotals(lane: $0.0, jobs: $0.1) }, what, line: line)
            }
            let ids = try (1...3).map { try scene.id($0, at: busy) } + [try scene.id(4, at: quiet)]
            let (many, one) = (CopyLane(of: ids[0].artifact), CopyLane(of: ids[3].artifact))
            try await requireLanes([], "at first")
            for id in ids { try requireEqual(try await scene.store.claim(id), .claimed, "claim") }
            _ = try await scene.store.claim(try scene.id(9, in: scene.otherPool))
            try await requireLanes([(many, 3), (one, 1)], "after the claims")
            try requireEqual(try await scene.store.lanes(in: scene.pool, limit: 1).map(\.lane), [many], "the first")
            var lease = try requireLease(try await scene.outcome(passingOver: [one], pools: [scene.pool]))
            try await requireLanes([(many, 3), (one, 1)], "after a lease")
            lease = try await scene.store.extend(lease, duration: .seconds(30))
            try await scene.store.finish(lease, .retry(after: .seconds(5)))
            try await requireLanes([(many, 3), (one, 1)], "after a retry")
            lease = try requireLease(try await scene.outcome(passingOver: [one], pools: [scene.pool]))
            try await scene.store.finish(lease, .present(scene.object(lease.id)))
            try await requireLanes([(many, 2), (one, 1)], "after an end")
            lease = try requireLease(try await scene.outcome(passingOver: [one], pools: [scene.pool]))
            try await scene.store.finish(lease, .failed(scene.failure()))
            try await requireLanes([(many, 1), (one, 1)].sorted { $0.0.description < $1.0.description }, "after a failure")
            _ = try await scene.store.beginRemoval(ids[3])
            try await requireLanes([(many, 1)], "after a purge")
            scene.clock.advance(by: .seconds(6))
            _ = try requireLease(try await scene.outcome(pools: [scene.pool]))
            scene.clock.advance(by: .seconds(16))
            _ = try requireLease(try await scene.outcome(pools: [scene.pool]))
            try await requireLanes([(.unfinished, 1)], "after a lease that ran out")
        },
    ]

    static let unfinished: [Case] = [
        .scene("a job whose lease expired waits in a separate lane, whatever its origin, and its next lease says so") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            try await scene.loseLease(id)
            try requireEqual(try await scene.outcome(passingOver: [.unfinished]), nil, "lease that passes over its lane")
            try requireEqual(
                try await scene.store.nextDue(pools: scene.pools, passingOver: [.unfinished]), nil, "next due without its lane")
            try await scene.requireStatus(id, .pending)
            let lease = try requireLease(try await scene.outcome(passingOver: [CopyLane(of: id.artifact)]))
            try requireEqual(lease.id, id, "leased replica")
            try requireEqual(lease.attempt, 2, "attempt")
            try requireEqual(lease.lane, .unfinished, "lane")
            try requireEqual(try await scene.store.extend(lease, duration: .seconds(15)).lane, .unfinished, "lane after a heartbeat")
            try await scene.store.finish(lease, .present(scene.object(id)))
            try await scene.requireStatus(id, .present(scene.object(id)))
        },
        .scene("a job whose lease expired twice is set aside, is reported as an error, and may be claimed again an hour later") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            try await scene.loseLease(id)
            let last = try await scene.loseLease(id)
            let other = try scene.id(2)
            try requireEqual(try await scene.store.claim(other), .claimed, "claim of another")
            let stream = await scene.store.changes()
            guard case .setAside(id, let failure) = try await scene.outcome() else { throw ConformanceFailure("it was not set aside") }
            try requireEqual(failure.reason, .unfinished, "reason")
            try require(!failure.message.isEmpty, "there is no message")
            try requireEqual(failure.retryAt, scene.now + .seconds(3_600), "retryAt")
            try await scene.requireStatus(id, .error(failure))
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(pending: 1, errors: 1), "totals")
            try requireEqual(try requireLease(try await scene.outcome()).id, other, "the next lease")
            try requireEqual(try await scene.outcome(), nil, "a third lease")
            try await scene.requireStale("a late end") { try await scene.store.finish(last, .present(scene.object(id))) }
            try await scene.requireStale("a late heartbeat") { _ = try await scene.store.extend(last, duration: .seconds(15)) }

            scene.clock.advance(by: .seconds(3_599))
            try requireEqual(try await scene.store.claim(id), .exists(Replica(id: id, status: .error(failure))), "claim within the hour")
            scene.clock.advance(by: .seconds(1))
            try await scene.store.finish(try requireValue(try await scene.lease(), "lease of the other"), .handBack)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim after the hour")
            var told = stream.makeAsyncIterator()
            try requireEqual(await told.next(), .replica(id, Replica(id: id, status: .error(failure))), "first change")
            let again = try requireLease(try await scene.outcome(passingOver: [.unfinished]))
            try requireEqual(again.id, id, "leased replica")
            try requireEqual(again.attempt, 1, "attempt")
        },
        .scene("leases that were handed back, or ended with a retry, never set a job aside") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            try await scene.loseLease(id)
            for _ in 0..<3 {
                try await scene.store.finish(try requireValue(try await scene.lease(), "lease to hand back"), .handBack)
                let lease = try requireValue(try await scene.lease(), "lease to try again")
                scene.clock.advance(by: .seconds(16))
                // Its lease expired, but no other worker took the job in the meantime.
                try await scene.store.finish(lease, .retry(after: .zero))
            }
            try await scene.loseLease(id)
            guard case .setAside = try await scene.outcome() else { throw ConformanceFailure("it was not set aside") }
        },
        .scene("a replica that was set aside can be purged and claimed at once") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            try await scene.loseLease(id)
            try await scene.loseLease(id)
            try requireEqual(try await scene.lease(), nil, "lease")
            try requireEqual(try await scene.store.remove(id), true, "purge")
            try requireEqual(try await scene.claimAndLease(id).lane, CopyLane(of: id.artifact), "lane")
        },
        .scene("of 100 workers that find a job whose lease expired twice, one sets it aside and none leases it") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.claim(id), .claimed, "claim")
            try await scene.loseLease(id)
            try await scene.loseLease(id)
            let outcomes = try await scene.race(100) { _ in try await scene.outcome() }.compactMap { $0 }
            try requireEqual(outcomes.count, 1, "outcomes")
            guard case .setAside(id, _)? = outcomes.first else { throw ConformanceFailure("it was not set aside") }
        },
    ]

    static func requireLease(_ outcome: LeaseOutcome?, file: String = #fileID, line: Int = #line) throws -> CopyLease {
        guard case .leased(let lease) = outcome else {
            throw ConformanceFailure("\(outcome.map { "\($0)" } ?? "nothing") instead of a lease", file: file, line: line)
        }
        return lease
    }
}
