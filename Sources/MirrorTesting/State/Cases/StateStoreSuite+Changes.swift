import MirrorCore
import MirrorState

extension StateStoreSuite {
    /// Reads a stream up to the change that makes `marker` pending, which is not returned.
    private static func changes(
        of stream: AsyncStream<ReplicaChange>, until marker: ReplicaID, atMost limit: Int = 100_000
    ) async throws -> [ReplicaChange] {
        var read: [ReplicaChange] = []
        for await change in stream {
            if change == .replica(marker, Replica(id: marker, status: .pending)) { return read }
            read.append(change)
            try require(read.count <= limit, "more changes than were made")
        }
        throw ConformanceFailure("the stream ended before the last change")
    }

    static let changes: [Case] = [
        .scene("every change reaches every stream that was open before it, in order") { scene in
            let streams = [await scene.store.changes(), await scene.store.changes()]
            let id = try scene.id(1)
            let lease = try await scene.claimAndLease(id)
            try await scene.store.finish(lease, .retry(after: .zero))
            try await scene.store.finish(try requireValue(try await scene.lease()), .handBack)
            let object = scene.object(id)
            try await scene.store.finish(try requireValue(try await scene.lease()), .present(object))
            try requireEqual(try await scene.store.mark([id], unusedSince: scene.now), [id], "marked")
            var marked = object
            marked.markedAt = scene.now
            try await scene.store.touch([ReplicaUse(id: id, at: scene.now)])
            try requireEqual(try await scene.store.remove(id), true, "removal")
            let failed = try scene.id(2)
            try await scene.makeError(failed)
            let failure = scene.failure()
            let backfilled = try await scene.makePresent(3)
            let marker = try scene.id(99)
            try requireEqual(try await scene.store.claim(marker), .claimed, "claim")

            func told(_ id: ReplicaID, _ status: Replica.Status?) -> ReplicaChange {
                .replica(id, status.map { Replica(id: id, status: $0) })
            }
            let expected = [
                told(id, .pending), told(id, .pending), told(id, .pending), told(id, .present(object)), told(id, .present(marked)),
                told(id, .present(object)), told(id, .removing), told(id, nil), told(failed, .pending), told(failed, .error(failure)),
                told(backfilled.id, backfilled.status),
            ]
            for stream in streams {
                try requireEqual(try await changes(of: stream, until: marker), expected, "changes")
            }
        },
        .scene("calls that change nothing are not reported, and a stream reports nothing from before it was opened", maxQueued: 2) {
            scene in
            let present = try await scene.makePresent(1)
            let pending = try scene.id(2)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            let stream = await scene.store.changes()
            _ = try await scene.store.claim(present.id)
            _ = try await scene.store.claim(pending)
            _ = try await scene.store.recordPresent(pending, scene.object(pending))
            _ = try await scene.store.recordPresent(present.id, scene.object(present.id, size: 999))
            _ = try await scene.store.mark([present.id], unusedSince: scene.now - .seconds(1))
            try requireEqual(
                try await scene.store.beginRemoval(present.id, .unused(since: scene.now), duration: .seconds(1)), nil, "removal")
            try await scene.requireStale("end of no removal") {
                _ = try await scene.store.endRemoval(Removal(id: present.id, token: 1))
            }
            try await scene.store.touch([ReplicaUse(id: present.id, at: scene.now + .seconds(1))])
            let marker = try scene.id(99)
            try requireEqual(try await scene.store.claim(marker), .claimed, "claim")
            try requireEqual(try await scene.store.claim(try scene.id(3)), .queueFull, "claim beyond the queue")
            try requireEqual(try await changes(of: stream, until: marker), [], "changes")
        },
        .scene("a stream that is not read costs bounded memory, and then reports .everything", maxQueued: 20_000) { scene in
            let stream = await scene.store.changes()
            _ = try await scene.race(100) { task in
                for number in 0..<60 { _ = try await scene.makePresent(task * 60 + number) }
            }
            let marker = try scene.id(99_999)
            try requireEqual(try await scene.store.claim(marker), .claimed, "claim")
            let read = try await changes(of: stream, until: marker)
            try require(read.contains(.everything), "none of \(read.count) changes is .everything")
            try require(read.count < 6_000, "a stream that nobody read held \(read.count) changes")
        },
        Case("a stream ends when the store is closed; one that is opened afterwards ends at once") { subject in
            let (early, late) = try await subject.withStore { scene in
                let early = await scene.store.changes()
                await scene.store.close()
                return (early, await scene.store.changes())
            }
            for stream in [early, late] {
                var count = 0
                for await _ in stream { count += 1 }
                try requireEqual(count, 0, "changes")
            }
        },
        .scene("a stream whose reader was cancelled ends") { scene in
            let stream = await scene.store.changes()
            let count = await withTaskGroup(of: Int.self) { group in
                group.addTask {
                    var count = 0
                    for await _ in stream { count += 1 }
                    return count
                }
                group.cancelAll()
                return await group.reduce(0, +)
            }
            try requireEqual(count, 0, "changes")
            // The store works without it.
            try requireEqual(try await scene.store.claim(try scene.id(1)), .claimed, "claim")
        },
    ]
}
