import MirrorCore
import MirrorState

extension StateStoreSuite {
    /// Only one caller at a time removes a replica, and an object that a removal may have deleted is not recorded.
    static let fences: [Case] = [
        .scene("a removal in progress is given to nobody else, whoever asks and how") { scene in
            let id = try await scene.makePresent(1).id
            let removal = try requireValue(try await scene.store.beginRemoval(id, .none, duration: .seconds(60)), "removal")
            scene.clock.advance(by: .milliseconds(59_999))
            for condition in [RemovalCondition.none, .abandoned, .unused(since: scene.now)] {
                try requireEqual(
                    try await scene.store.beginRemoval(id, condition, duration: .seconds(60)), nil, "removal with \(condition)")
            }
            try requireEqual(try await scene.store.confirm([removal], duration: .seconds(60)), [removal], "confirmed")
        },
        .scene(
            "a removal that expired or was handed back can be begun again, with a larger token, and the earlier holder has lost it"
        ) { scene in
            let id = try await scene.makePresent(1).id
            let first = try requireValue(try await scene.store.beginRemoval(id, .none, duration: .seconds(60)), "first removal")
            scene.clock.advance(by: .seconds(60))
            let unused = try await scene.store.beginRemoval(id, .unused(since: scene.now), duration: .seconds(60))
            try requireEqual(unused, nil, "removal of an unused replica")
            let second = try requireValue(try await scene.store.beginRemoval(id, .abandoned, duration: .seconds(60)), "second removal")
            try require(second.token > first.token, "token \(second.token) is not larger than \(first.token)")
            try requireEqual(try await scene.store.confirm([first, second], duration: .seconds(60)), [second], "confirmed")
            try await scene.requireStale("end of the first") { _ = try await scene.store.endRemoval(first) }
            try await scene.requireStale("hand-back of the first") { try await scene.store.handBack(first) }
            try await scene.requireStatus(id, .removing)

            try await scene.store.handBack(second)
            try await scene.requireStatus(id, .removing)
            try requireEqual(try await scene.store.confirm([second], duration: .seconds(60)), [], "confirmed after the hand-back")
            try await scene.requireStale("end after the hand-back") { _ = try await scene.store.endRemoval(second) }
            let third = try requireValue(try await scene.store.beginRemoval(id, .none, duration: .seconds(60)), "third removal")
            try requireEqual(try await scene.store.endRemoval(third), true, "end of the third")
            try await scene.requireStatus(id, nil)
        },
        .scene("the end of a removal changes nothing if the replica was removed and created again in the meantime") { scene in
            let id = try await scene.makePresent(1).id
            let late = try requireValue(try await scene.store.beginRemoval(id, .none, duration: .seconds(60)), "late removal")
            scene.clock.advance(by: .seconds(60))
            try requireEqual(try await scene.store.remove(id), true, "other removal")
            let made = try await scene.makePresent(1, size: 7)
            try requireEqual(try await scene.store.confirm([late], duration: .seconds(60)), [], "confirmed")
            try await scene.requireStale("late end") { _ = try await scene.store.endRemoval(late) }
            try await scene.requireStale("late hand-back") { try await scene.store.handBack(late) }
            try await scene.requireStatus(id, made.status)
            for condition in [RemovalCondition.abandoned, .unused(since: scene.now)] {
                let removal = try await scene.store.beginRemoval(id, condition, duration: .seconds(60))
                try requireEqual(removal, nil, "removal with \(condition)")
            }
        },
        .scene("an expired removal that nobody else took can still be confirmed and ended") { scene in
            let id = try await scene.makePresent(1).id
            let removal = try requireValue(try await scene.store.beginRemoval(id, .none, duration: .seconds(60)), "removal")
            scene.clock.advance(by: .seconds(61))
            try requireEqual(try await scene.store.confirm([removal], duration: .seconds(60)), [removal], "confirmed")
            try requireEqual(try await scene.store.beginRemoval(id, .abandoned, duration: .seconds(60)), nil, "removal by somebody else")
            scene.clock.advance(by: .seconds(61))
            try requireEqual(try await scene.store.endRemoval(removal), true, "end")
            try await scene.requireStatus(id, nil)
        },
        .scene("a purge during a removal makes its next end return false, once; other calls do not") { scene in
            let id = try await scene.makePresent(1).id
            let removal = try requireValue(try await scene.store.beginRemoval(id), "removal")
            for condition in [RemovalCondition.none, .none, .abandoned] {
                try requireEqual(try await scene.store.beginRemoval(id, condition, duration: .seconds(60)), nil, "another removal")
            }
            try requireEqual(try await scene.store.confirm([removal], duration: .seconds(60)), [removal], "confirmed")
            try requireEqual(try await scene.store.endRemoval(removal), false, "first end")
            try await scene.requireStatus(id, .removing)
            try requireEqual(try await scene.store.beginRemoval(id, .abandoned, duration: .seconds(60)), nil, "another removal")
            try requireEqual(try await scene.store.endRemoval(removal), true, "second end")
            try await scene.requireStatus(id, nil)
        },
        .scene("many removals begin and end in one call as each would alone, and the answers are in order") { scene in
            let start = scene.now
            var wanted: [WantedRemoval] = []
            for number in 0..<250 {
                let id = try await scene.makePresent(number, lastUsed: start).id
                wanted.append(WantedRemoval(id: id, condition: .unused(since: start)))
            }
            let marked = try await scene.store.mark(wanted.map(\.id), unusedSince: start)
            try requireEqual(marked.count, 250, "marks")
            scene.clock.advance(by: .seconds(1))
            try await scene.store.touch([ReplicaUse(id: wanted[120].id, at: scene.now)])
            let taken = try requireValue(try await scene.store.beginRemoval(wanted[30].id), "another caller's removal")
            wanted[7] = WantedRemoval(id: wanted[7].id, condition: .abandoned)
            wanted.append(WantedRemoval(id: try scene.id(1_000), condition: .none))

            let begun = try await scene.store.beginRemovals(wanted, duration: .seconds(60))
            try requireEqual(begun.map { $0 == nil }, wanted.indices.map { [7, 30, 120].contains($0) }, "which did not begin")
            try requireEqual(zip(begun, wanted).allSatisfy { $0?.id == nil || $0?.id == $1.id }, true, "order")
            for index in [7, 120] {
                try requireEqual(try await scene.store.replica(wanted[index].id)?.state, .present, "state of \(index)")
            }
            try requireEqual(try await scene.store.beginRemovals([], duration: .seconds(60)), [], "none")

            // Somebody purges one meanwhile, and one has ended already.
            let removals = begun.compactMap(\.self)
            try requireEqual(try await scene.store.beginRemoval(removals[3].id), nil, "purge")
            try requireEqual(try await scene.store.endRemoval(removals[200]), true, "end of one")
            let ends = try await scene.store.endRemovals(removals)
            let expected = removals.indices.map { $0 == 3 ? RemovalEnd.repeated : $0 == 200 ? .stale : .absent }
            try requireEqual(ends, expected, "ends")
            try requireEqual(try await scene.store.endRemovals([removals[3], taken]), [.absent, .absent], "ends of the last")
            try requireEqual(try await scene.store.endRemovals([]), [], "ends of none")
            try requireEqual(try await scene.store.totals(of: scene.pool).objects, 2, "what is left")
        },
        .scene("confirm takes many removals and returns those that the caller still holds, in order") { scene in
            var removals: [Removal] = []
            for number in 0..<250 {
                removals.append(try requireValue(try await scene.store.beginRemoval(try scene.id(number)), "removal of \(number)"))
            }
            try requireEqual(try await scene.store.endRemoval(removals[120]), true, "end of one")
            let gone = removals.remove(at: 120)
            try requireEqual(try await scene.store.confirm([gone] + removals, duration: .seconds(60)), removals, "confirmed")
            try requireEqual(try await scene.store.confirm([], duration: .seconds(60)), [], "confirmed of none")
        },
        .scene("abandonedRemovals lists the removals of one pool that expired or were handed back") { scene in
            var removals: [Removal] = []
            for number in 1...5 {
                let id = try await scene.makePresent(number).id
                let duration = Duration.seconds(number.isMultiple(of: 2) ? 600 : 60)
                removals.append(try requireValue(try await scene.store.beginRemoval(id, .none, duration: duration), "removal"))
            }
            let elsewhere = try await scene.makePresent(6, in: scene.otherPool).id
            try requireEqual(try await scene.store.beginRemoval(elsewhere, .none, duration: .zero) != nil, true, "removal elsewhere")
            try await scene.makePresent(7)
            func list(_ limit: Int) async throws -> [ReplicaID] {
                try await scene.store.abandonedRemovals(in: scene.pool, limit: limit)
            }
            try requireEqual(try await list(100), [], "none yet")
            try await scene.store.handBack(removals[1])
            try requireEqual(try await list(100), [removals[1].id], "what was handed back")
            scene.clock.advance(by: .seconds(60))
            let abandoned = [0, 1, 2, 4].map { removals[$0].id }
            try requireEqual(Set(try await list(100)), Set(abandoned), "all")
            try requireEqual(try await list(2).count, 2, "length of a short list")
            try requireEqual(try await scene.store.endRemoval(removals[0]), true, "end of one")
            try requireEqual(Set(try await list(100)), Set(abandoned.dropFirst()), "the rest")
        },
        .scene(
            "recordPresent changes nothing if a removal of the replica has ended since the moment, however the replica was created since"
        ) { scene in
            let id = try scene.id(1)
            let moment = try await scene.store.moment(in: id.pool)
            try await scene.makePresent(1)
            try requireEqual(try await scene.store.remove(id), true, "removal")
            try requireEqual(try await scene.store.recordPresent(id, scene.object(id), seenSince: moment), nil, "absent replica")
            try await scene.requireStatus(id, nil)
            try await scene.makeError(id)
            try requireEqual(try await scene.store.recordPresent(id, scene.object(id), seenSince: moment), nil, "error")
            try requireEqual(try await scene.store.replica(id)?.state, .error, "its state")
            let object = scene.object(id)
            let now = try await scene.store.moment(in: id.pool)
            try requireEqual(try await scene.store.recordPresent(id, object, seenSince: now)?.status, .present(object), "a later look")
        },
        .scene("neither removals of other replicas nor one that has not ended yet keep a lookup from being recorded") { scene in
            let id = try scene.id(1)
            let moment = try await scene.store.moment(in: id.pool)
            for number in 2..<100 { try requireEqual(try await scene.store.remove(try scene.id(number)), true, "removal") }
            let object = scene.object(id)
            let replica = try await scene.store.recordPresent(id, object, seenSince: moment)
            try requireEqual(replica?.status, .present(object), "the replica")
            try requireEqual(try await scene.store.beginRemoval(id) != nil, true, "its removal")
            let removing = try await scene.store.recordPresent(id, object, seenSince: moment)
            try requireEqual(removing?.status, .removing, "the replica under removal")
        },
    ]
}
