import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let closing: [Case] = [
        .scene("calls after close throw unavailable, and a second close does nothing") { scene in
            let id = try await scene.makePresent(1).id
            let lease = try await scene.claimAndLease(try scene.id(2))
            await scene.store.close()
            await scene.store.close()
            func refuses(_ what: String, _ body: () async throws -> Void) async throws {
                try await requireThrows(StateError.self, what, where: { $0.code == .unavailable }, body)
            }
            try await refuses("replica") { _ = try await scene.store.replica(id) }
            try await refuses("claim") { _ = try await scene.store.claim(id) }
            try await refuses("recordPresent") { _ = try await scene.store.recordPresent(id, scene.object(id)) }
            try await refuses("lease") { _ = try await scene.lease() }
            try await refuses("nextDue") { _ = try await scene.store.nextDue(pools: scene.pools) }
            try await refuses("extend") { _ = try await scene.store.extend(lease, duration: .seconds(1)) }
            try await refuses("finish") { try await scene.store.finish(lease, .handBack) }
            try await refuses("touch") { try await scene.store.touch([ReplicaUse(id: id, at: scene.now)]) }
            try await refuses("describe") {
                var object = scene.object(id)
                object.representation = full(scene)
                try await scene.store.describe(id, object)
            }
            try await refuses("mark") { _ = try await scene.store.mark([id], unusedSince: scene.now) }
            try await refuses("beginRemoval") { _ = try await scene.store.beginRemoval(id) }
            let removal = Removal(id: id, token: 1)
            try await refuses("confirm") { _ = try await scene.store.confirm([removal], duration: .seconds(1)) }
            try await refuses("endRemoval") { _ = try await scene.store.endRemoval(removal) }
            try await refuses("handBack") { try await scene.store.handBack(removal) }
            try await refuses("moment") { _ = try await scene.store.moment(in: scene.pool) }
            try await refuses("leastRecentlyUsed") { _ = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 1) }
            try await refuses("abandonedRemovals") { _ = try await scene.store.abandonedRemovals(in: scene.pool, limit: 1) }
            try await refuses("replicas") { _ = try await scene.store.replicas(in: nil, after: nil, limit: 1) }
            try await refuses("totals") { _ = try await scene.store.totals(of: scene.pool) }
        }
    ]

    static let durability: [Case] = [
        Case("what was written is still there after the store was closed and opened again") { subject in
            let (written, totals) = try await subject.withStore { scene in
                try await scene.makePresent(1, size: 42)
                let bare = try scene.id(2)
                _ = try await scene.store.recordPresent(
                    bare, StoredObject(key: ObjectKey(bare.artifact), size: 0, sha256: nil, storedAt: scene.now, lastUsed: scene.now))
                var described = scene.object(try scene.id(7))
                described.representation = full(scene)
                _ = try await scene.store.recordPresent(try scene.id(7), described)
                try await scene.makePresent(3)
                try requireEqual(try await scene.store.mark([try scene.id(3)], unusedSince: scene.now).count, 1, "marked")
                try await scene.makeError(try scene.id(4))
                let purged = try await scene.makePresent(5, in: scene.otherPool).id
                try requireEqual(try await scene.store.beginRemoval(purged) != nil, true, "removal")
                try requireEqual(try await scene.store.claim(try scene.id(6)), .claimed, "claim")
                return (try await scene.store.replicas(in: nil, after: nil, limit: 100), try await scene.store.totals(of: scene.pool))
            }
            try requireEqual(written.count, 7, "replicas")
            try await subject.withStore { scene in
                try requireEqual(try await scene.store.replicas(in: nil, after: nil, limit: 100), written, "replicas")
                try requireEqual(try await scene.store.totals(of: scene.pool), totals, "totals")
                try requireEqual(try await scene.store.abandonedRemovals(in: scene.otherPool, limit: 10), [], "removals that run")
                scene.clock.advance(by: .seconds(300))
                try requireEqual(try await scene.store.abandonedRemovals(in: scene.otherPool, limit: 10).count, 1, "removals that ran out")
                try requireEqual(try await scene.lease()?.id, try scene.id(6), "queued job")
            }
        },
        Case("a clock that is behind when the store is reopened keeps nothing waiting, and no use is in the future") { subject in
            try await subject.withStore { scene in
                try requireEqual(try await scene.store.claim(try scene.id(1)), .claimed, "claim")
                try await scene.makePresent(3)
                try requireEqual(try await scene.lease()?.id, try scene.id(1), "leased replica")
                try await scene.makeError(try scene.id(2), retryIn: .seconds(30))
                _ = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 9)
            }
            try await subject.withStore { scene in
                scene.clock.advance(by: .seconds(-3_600))
                try requireEqual(try await scene.store.claim(try scene.id(4)), .claimed, "claim")
                try requireEqual(try await scene.lease()?.id, try scene.id(4), "leased replica")
                let listed = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 9)
                guard case .present(let object) = listed.first?.status else { throw ConformanceFailure("nothing is present") }
                try require(object.lastUsed <= scene.now, "the last use lies in the future")
                scene.clock.advance(by: .seconds(30))
                try requireEqual(try await scene.store.claim(try scene.id(2)), .claimed, "claim of the error")
                var leased: Set<ReplicaID> = []
                while let lease = try await scene.lease() { leased.insert(lease.id) }
                try requireEqual(leased, [try scene.id(1), try scene.id(2), try scene.id(4)], "leased replicas")
            }
        },
        Case("a token is never issued twice, even across a restart") { subject in
            let before = try await subject.withStore { scene in try await scene.claimAndLease(try scene.id(1)) }
            try await subject.withStore { scene in
                try requireEqual(try await scene.store.remove(before.id), true, "purge")
                let after = try await scene.claimAndLease(try scene.id(1))
                try require(after.token > before.token, "token \(after.token) is not larger than \(before.token)")
                try await scene.requireStale("finish of a lease from before") { try await scene.store.finish(before, .handBack) }
            }
        },
        Case("a leased job is not lost with its process: it is leased again once its lease has expired, as the next attempt") { subject in
            let before = try await subject.withStore { scene in try await scene.claimAndLease(try scene.id(1)) }
            try await subject.withStore { scene in
                try await scene.requireStatus(before.id, .pending)
                scene.clock.advance(by: .seconds(16))
                let after = try requireValue(try await scene.lease(), "lease")
                try requireEqual(after.id, before.id, "replica")
                try requireEqual(after.attempt, 2, "attempt")
                try require(after.token > before.token, "token \(after.token) is not larger than \(before.token)")
            }
        },
        Case("an expired lease, and the lane of its job, are remembered across a restart") { subject in
            let id = try await subject.withStore { scene in
                let id = try scene.id(1)
                try requireEqual(try await scene.store.claim(id), .claimed, "claim")
                try await scene.loseLease(id)
                return id
            }
            let lease = try await subject.withStore { scene in
                try requireEqual(try await scene.outcome(passingOver: [.unfinished]), nil, "lease that passes over it")
                return try await scene.loseLease(id)
            }
            try requireEqual(lease.lane, .unfinished, "lane")
            try await subject.withStore { scene in
                guard case .setAside(id, let failure) = try await scene.outcome() else {
                    throw ConformanceFailure("\(id) was not set aside")
                }
                try await scene.requireStatus(id, .error(failure))
            }
        },
        Case("the order of the queue survives a restart") { subject in
            try await subject.withStore { scene in
                for number in [2, 3, 1] { try requireEqual(try await scene.store.claim(try scene.id(number)), .claimed, "claim") }
            }
            try await subject.withStore { scene in
                try requireEqual(try await scene.store.claim(try scene.id(0)), .claimed, "claim")
                for number in [2, 3, 1, 0] { try requireEqual(try await scene.lease()?.id, try scene.id(number), "leased replica") }
            }
        },
    ]
}
