import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let backfills: [Case] = [
        .scene("recordPresent makes an absent replica present, and returns it") { scene in
            let id = try scene.id(1)
            let object = scene.object(id, size: 7)
            try requireEqual(try await scene.store.recordPresent(id, object), Replica(id: id, status: .present(object)), "result")
            try await scene.requireStatus(id, .present(object))
        },
        .scene("recordPresent makes an error present") { scene in
            let id = try scene.id(1)
            try await scene.makeError(id)
            let object = scene.object(id)
            try requireEqual(try await scene.store.recordPresent(id, object)?.status, .present(object), "result")
            try await scene.requireStatus(id, .present(object))
        },
        .scene("recordPresent does not change a pending, present or removed replica, and returns it as it is") { scene in
            let pending = try scene.id(1)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            try requireEqual(try await scene.store.recordPresent(pending, scene.object(pending))?.status, .pending, "pending one")
            try requireEqual(try await scene.lease()?.id, pending, "its job")

            let present = try await scene.makePresent(2, size: 10)
            try requireEqual(try await scene.store.recordPresent(present.id, scene.object(present.id, size: 20)), present, "present one")

            let purged = try await scene.makePresent(3)
            try requireEqual(try await scene.store.beginRemoval(purged.id) != nil, true, "removal")
            try requireEqual(try await scene.store.recordPresent(purged.id, scene.object(purged.id))?.status, .removing, "purged one")
            try await scene.requireStatus(purged.id, .removing)
        },
    ]

    static let uses: [Case] = [
        .scene("touch moves lastUsed forward, never back") { scene in
            let id = try await scene.makePresent(1).id
            let start = scene.now
            scene.clock.advance(by: .seconds(10))
            try await scene.store.touch([ReplicaUse(id: id, at: start + .seconds(10))])
            try requireEqual(try await scene.presentObject(id).lastUsed, start + .seconds(10), "lastUsed after a use")
            try await scene.store.touch([ReplicaUse(id: id, at: start + .seconds(5))])
            try requireEqual(try await scene.presentObject(id).lastUsed, start + .seconds(10), "lastUsed after an older use")
        },
        .scene("touch takes many uses, of one replica or of several, in any order") { scene in
            let first = try await scene.makePresent(1).id
            let second = try await scene.makePresent(2, in: scene.otherPool).id
            let start = scene.now
            scene.clock.advance(by: .seconds(3))
            try await scene.store.touch([
                ReplicaUse(id: first, at: start + .seconds(3)), ReplicaUse(id: second, at: start + .seconds(1)),
                ReplicaUse(id: first, at: start + .seconds(2)), ReplicaUse(id: try scene.id(9), at: start),
            ])
            try await scene.store.touch([])
            try requireEqual(try await scene.presentObject(first).lastUsed, start + .seconds(3), "lastUsed of the first")
            try requireEqual(try await scene.presentObject(second).lastUsed, start + .seconds(1), "lastUsed of the second")
            try await scene.requireStatus(try scene.id(9), nil)
        },
        .scene("touch changes nothing that is not present") { scene in
            let failed = try scene.id(1)
            try await scene.makeError(failed)
            let pending = try scene.id(2)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            let purged = try await scene.makePresent(3).id
            try requireEqual(try await scene.store.beginRemoval(purged) != nil, true, "removal")
            let ids = [failed, pending, purged, try scene.id(4)]
            var before: [Replica.Status?] = []
            for id in ids { before.append(try await scene.store.replica(id)?.status) }
            try await scene.store.touch(ids.map { ReplicaUse(id: $0, at: scene.now + .seconds(5)) })
            for (id, status) in zip(ids, before) { try await scene.requireStatus(id, status) }
        },
        .scene("mark marks present replicas that were not used after unusedSince, and returns them") { scene in
            let start = scene.now
            let old = try await scene.makePresent(1, lastUsed: start).id
            let edge = try await scene.makePresent(2, lastUsed: start + .seconds(10)).id
            let young = try await scene.makePresent(3, lastUsed: start + .seconds(11)).id
            let failed = try scene.id(4)
            try await scene.makeError(failed)
            let pending = try scene.id(5)
            try requireEqual(try await scene.store.claim(pending), .claimed, "claim")
            scene.clock.advance(by: .seconds(60))
            let marked = try await scene.store.mark(
                [old, edge, young, failed, pending, try scene.id(6)], unusedSince: start + .seconds(10))
            try requireEqual(Set(marked), [old, edge], "marked")
            try requireEqual(try await scene.presentObject(old).markedAt, scene.now, "mark of the old one")
            try requireEqual(try await scene.presentObject(edge).markedAt, scene.now, "mark of the one at the edge")
            try requireEqual(try await scene.presentObject(young).markedAt, nil, "mark of the young one")
            try await scene.requireStatus(pending, .pending)
            try await scene.requireStatus(try scene.id(6), nil)
        },
        .scene("time is by the clock that marks use") { scene in
            let id = try await scene.makePresent(1).id
            for pool in scene.pools { try requireEqual(try await scene.store.time(in: pool), scene.now, "time") }
            scene.clock.advance(by: .seconds(60))
            try requireEqual(try await scene.store.mark([id], unusedSince: scene.now), [id], "mark")
            try requireEqual(try await scene.presentObject(id).markedAt, try await scene.store.time(in: id.pool), "mark")
        },
        .scene("a replica that is already marked keeps its mark and is not returned again") { scene in
            let id = try await scene.makePresent(1).id
            let markedAt = scene.now
            try requireEqual(try await scene.store.mark([id], unusedSince: scene.now), [id], "first mark")
            scene.clock.advance(by: .seconds(5))
            try requireEqual(try await scene.store.mark([id], unusedSince: scene.now), [], "second mark")
            try requireEqual(try await scene.presentObject(id).markedAt, markedAt, "mark")
        },
        .scene("a use clears the mark") { scene in
            let id = try await scene.makePresent(1).id
            try requireEqual(try await scene.store.mark([id], unusedSince: scene.now), [id], "mark")
            scene.clock.advance(by: .seconds(5))
            try await scene.store.touch([ReplicaUse(id: id, at: scene.now)])
            let object = try await scene.presentObject(id)
            try requireEqual(object.markedAt, nil, "mark")
            try requireEqual(object.lastUsed, scene.now, "lastUsed")
        },
        .scene("a use that is reported late still clears the mark") { scene in
            let id = try await scene.makePresent(1).id
            let used = scene.now - .seconds(1)
            try requireEqual(try await scene.store.mark([id], unusedSince: scene.now), [id], "mark")
            try await scene.store.touch([ReplicaUse(id: id, at: used)])
            let object = try await scene.presentObject(id)
            try requireEqual(object.markedAt, nil, "mark")
            try requireEqual(object.lastUsed, scene.now, "lastUsed")
        },
        .scene("touch and mark take hundreds of replicas, of several pools, and mark returns those that it has marked in their order") {
            scene in
            var ids: [ReplicaID] = []
            for number in 0..<250 {
                ids.append(try await scene.makePresent(number, in: number.isMultiple(of: 3) ? scene.otherPool : nil).id)
            }
            let early = scene.now + .seconds(1)
            scene.clock.advance(by: .seconds(2))
            let late = scene.now
            let uses = ids.enumerated().map { ReplicaUse(id: $1, at: $0.isMultiple(of: 5) ? late : early) }
            try await scene.store.touch(uses)
            let expected = uses.filter { $0.at == early }.map(\.id)
            let marked = try await scene.store.mark(ids, unusedSince: early)
            try requireEqual(marked, expected, "marked ones")
            for use in uses {
                let object = try await scene.presentObject(use.id)
                try requireEqual(object.lastUsed, use.at, "lastUsed")
                try requireEqual(object.markedAt, use.at == early ? late : nil, "mark")
            }
        },
    ]
}
