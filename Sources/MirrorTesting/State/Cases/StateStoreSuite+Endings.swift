import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let endings: [Case] = [
        .scene("finish with an object makes the replica present, with all that is known about the object") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            let object = scene.object(lease.id, size: 5_497_558_138_880, lastUsed: scene.now + .seconds(1))
            try await scene.store.finish(lease, .present(object))
            try await scene.requireStatus(lease.id, .present(object))
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), nil, "next due")
            let bare = try await scene.claimAndLease(try scene.id(2))
            let bareObject = StoredObject(key: ObjectKey(bare.id.artifact), size: 0, sha256: nil, storedAt: scene.now, lastUsed: scene.now)
            try await scene.store.finish(bare, .present(bareObject))
            try await scene.requireStatus(bare.id, .present(bareObject))
        },
        .scene("finish with a failure makes the replica an error, with its reason") { scene in
            let reasons: [CopyFailure.Reason] = [
                .origin(status: 404), .origin(status: 503), .refused, .redirect, .transfer, .content, .tooLarge, .storage,
                .noRoom, .unfinished,
            ]
            for (number, reason) in reasons.enumerated() {
                let lease = try await scene.claimAndLease(try scene.id(number))
                let failure = CopyFailure(reason: reason, message: "it failed: ‘\(number)’", retryAt: scene.now + .seconds(30))
                try await scene.store.finish(lease, .failed(failure))
                try await scene.requireStatus(lease.id, .error(failure))
            }
            try requireEqual(try await scene.store.nextDue(pools: scene.pools), nil, "next due")
        },
        .scene("an expired lease that nobody else took can still be finished") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(1_000))
            let object = scene.object(lease.id)
            try await scene.store.finish(lease, .present(object))
            try await scene.requireStatus(lease.id, .present(object))
        },
        .scene("finish with a token that is not the newest throws staleLease and changes nothing") { scene in
            let old = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(16))
            let new = try requireValue(try await scene.lease(), "second lease")
            for result in [
                CopyResult.present(scene.object(old.id)), .failed(scene.failure()), .retry(after: .zero), .handBack,
            ] {
                try await scene.requireStale("finish with \(result)") { try await scene.store.finish(old, result) }
                try await scene.requireStatus(old.id, .pending)
                try requireEqual(try await scene.store.nextDue(pools: scene.pools), new.expires, "end of the second lease")
            }
            try await scene.store.finish(new, .present(scene.object(new.id)))
        },
        .scene("finish of a job that is done, purged or claimed again throws staleLease and changes nothing") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            let object = scene.object(lease.id)
            try await scene.store.finish(lease, .present(object))
            try await scene.requireStale("second finish") { try await scene.store.finish(lease, .failed(scene.failure())) }
            try await scene.requireStatus(lease.id, .present(object))

            try requireEqual(try await scene.store.remove(lease.id), true, "removal")
            try await scene.requireStale("finish of an absent replica") { try await scene.store.finish(lease, .present(object)) }
            try await scene.requireStatus(lease.id, nil)

            try requireEqual(try await scene.store.claim(lease.id), .claimed, "claim anew")
            try await scene.requireStale("finish of a queued job") { try await scene.store.finish(lease, .present(object)) }
            try await scene.requireStatus(lease.id, .pending)
        },
        .scene("a job that was handed back can be leased at once, with the same attempt and a new token") { scene in
            let first = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.finish(first, .handBack)
            try await scene.requireStatus(first.id, .pending)
            let second = try requireValue(try await scene.lease(), "second lease")
            try requireEqual(second.id, first.id, "replica")
            try requireEqual(second.attempt, 1, "attempt")
            try require(second.token > first.token, "token \(second.token) is not larger than \(first.token)")
            try await scene.requireStale("finish of what was handed back") {
                try await scene.store.finish(first, .present(scene.object(first.id)))
            }
        },
        .scene("a lease that was handed back does not count as an attempt; one that expired does") { scene in
            _ = try await scene.claimAndLease(try scene.id(1))
            scene.clock.advance(by: .seconds(16))
            let second = try requireValue(try await scene.lease(), "second lease")
            try await scene.store.finish(second, .handBack)
            try requireEqual(try await scene.lease()?.attempt, 2, "attempt")
        },
        .scene("a retry is not leased before its time, and counts as the next attempt; the replica stays pending") { scene in
            let first = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.finish(first, .retry(after: .seconds(40)))
            try await scene.requireStatus(first.id, .pending)
            scene.clock.advance(by: .seconds(39))
            try requireEqual(try await scene.lease(), nil, "early lease")
            try await scene.requireStale("extend while it waits") { _ = try await scene.store.extend(first, duration: .seconds(1)) }
            scene.clock.advance(by: .seconds(1))
            let second = try requireValue(try await scene.lease(), "lease at its time")
            try requireEqual(second.attempt, 2, "attempt")
        },
        .scene("a waiting retry does not hold up younger jobs") { scene in
            let first = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.finish(first, .retry(after: .seconds(40)))
            try requireEqual(try await scene.store.claim(try scene.id(2)), .claimed, "claim")
            try requireEqual(try await scene.lease()?.id, try scene.id(2), "leased replica")
        },
        .scene("a worker that is cancelled can still hand its lease back") { scene in
            let lease = try await scene.claimAndLease(try scene.id(1))
            let (stream, continuation) = AsyncStream<Void>.makeStream()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Ends only when cancelled.
                    for await _ in stream {}
                    try await scene.store.finish(lease, .handBack)
                }
                group.cancelAll()
                try await group.waitForAll()
            }
            continuation.finish()
            try requireEqual(try await scene.lease()?.id, lease.id, "leased replica")
        },
    ]
}
