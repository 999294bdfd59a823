import MirrorCore
import MirrorState

extension StateStoreSuite {
    /// Limits on what strangers can make a store keep.
    static let bounds: [Case] = [
        .scene("a pool keeps at most maxQueued errors: the oldest are dropped, and that is reported", maxQueued: 3) { scene in
            let ids = try (0..<5).map { try scene.id($0) }
            let elsewhere = try scene.id(9, in: scene.otherPool)
            try await scene.makeError(elsewhere, retryIn: .seconds(1))
            // In an order that differs from that of their names.
            for (number, seconds) in [(2, 30), (0, 20), (4, 50)] { try await scene.makeError(ids[number], retryIn: .seconds(seconds)) }
            var changes = await scene.store.changes().makeAsyncIterator()
            try await scene.makeError(ids[1], retryIn: .seconds(60))
            try await scene.requireStatus(ids[0], nil)
            try await scene.makeError(ids[3], retryIn: .seconds(10))
            try await scene.requireStatus(ids[2], nil)
            for id in [ids[1], ids[3], ids[4], elsewhere] {
                try requireEqual(try await scene.store.replica(id)?.state, .error, "state of \(id)")
            }
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(errors: 3), "totals")
            try requireEqual(try await scene.store.claim(ids[0]), .claimed, "claim of one that went")
            var told: [ReplicaID] = []
            while told.count < 2, let change = await changes.next() { if case .replica(let id, nil) = change { told.append(id) } }
            try requireEqual(told, [ids[0], ids[2]], "told as absent")
        },
        .scene("a replica that is set aside counts as an error, too", maxQueued: 2) { scene in
            let poisoned = try scene.id(1)
            for number in 2...3 { try await scene.makeError(try scene.id(number), retryIn: .seconds(60 * number)) }
            try requireEqual(try await scene.store.claim(poisoned), .claimed, "claim")
            for _ in 0..<2 { try await scene.loseLease(poisoned) }
            guard case .setAside(let id, _) = try await scene.outcome() else { throw ConformanceFailure("nothing was set aside") }
            try requireEqual(id, poisoned, "what was set aside")
            try requireEqual(try await scene.store.totals(of: scene.pool).errors, 2, "errors")
            try await scene.requireStatus(try scene.id(2), nil)
        },
        .scene("a long message is truncated") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            let message = String(repeating: "é", count: 10_000)
            try await scene.store.finish(
                lease, .failed(CopyFailure(reason: .transfer, message: message, retryAt: scene.now + .seconds(30))))
            guard case .error(let failure) = try await scene.store.replica(lease.id)?.status else {
                throw ConformanceFailure("the replica is not an error")
            }
            try require(failure.message.utf8.count < 600, "a message of \(failure.message.utf8.count) bytes is kept")
            try require(failure.message.hasPrefix("ééé"), "another message is kept")
        },
    ]

    /// Each makes thousands of calls.
    static let filling: [Case] = [
        .scene("errors with long names do not cost more than 32 MiB in a pool, nor do pending replicas", maxQueued: 100_000) { scene in
            let tail = String(repeating: "x", count: 7_400)
            // Parsed only once, because there are thousands of them.
            let artifact = try ArtifactURL("https://artifacts.example.org/\(tail)")
            func id(_ number: Int) -> ReplicaID {
                ReplicaID(artifact: artifact.replacingQuery(with: "\(number)"), pool: scene.pool)
            }
            let fitting = (32 << 20) / (id(10_000).artifact.description.utf8.count + 512)
            let made = fitting + 100
            var claimed = 0
            for number in 0..<made where try await scene.store.claim(id(10_000 + number)) == .claimed { claimed += 1 }
            try require((fitting - 10...fitting).contains(claimed), "\(claimed) of \(made) were queued, and \(fitting) fit")
            try requireEqual(try await scene.store.claim(try scene.id(1, in: scene.otherPool)), .claimed, "claim in the other pool")
            for _ in 0..<claimed {
                let lease = try requireValue(try await scene.lease(pools: [scene.pool]), "lease")
                try await scene.store.finish(lease, .failed(scene.failure()))
            }
            for number in 0..<100 { try await scene.makeErrorInOrder(id(20_000 + number)) }
            let errors = try await scene.store.totals(of: scene.pool).errors
            try require((fitting - 10...fitting).contains(errors), "\(errors) errors are kept, and \(fitting) fit")
            try requireEqual(try await scene.store.replica(id(20_099))?.state, .error, "state of the newest")
        },
        .scene("thousands of jobs that were queued by a clock that was ahead are all leased", maxQueued: 3_000) { scene in
            scene.clock.advance(by: .seconds(3_600))
            for number in 0..<2_500 {
                try requireEqual(try await scene.store.claim(try scene.id(number)), .claimed, "claim of \(number)")
            }
            scene.clock.advance(by: .seconds(-3_600))
            for number in 0..<2_500 {
                try require(try await scene.lease() != nil, "no job was leased after \(number)")
            }
        },
    ]
}
