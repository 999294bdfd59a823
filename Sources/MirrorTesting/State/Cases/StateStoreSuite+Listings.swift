import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let listings: [Case] = [
        .scene("replicas of a list returns for each what replica returns, in the order of the list, even if it names some twice") { scene in
            try await scene.makePresent(1)
            try await scene.makeError(try scene.id(2))
            try requireEqual(try await scene.store.claim(try scene.id(3)), .claimed, "claim")
            try await scene.makePresent(1, in: scene.otherPool)
            let other = try await scene.makePresent(5, in: scene.otherPool).id
            let ids = [other, try scene.id(4), try scene.id(3), try scene.id(1), try scene.id(2), try scene.id(1), other]
            let found = try await scene.store.replicas(ids)
            try requireEqual(found.map { $0?.state }, [.present, nil, .pending, .present, .error, .present, .present], "states")
            for (id, replica) in zip(ids, found) { try requireEqual(replica, try await scene.store.replica(id), "\(id)") }
            try requireEqual(try await scene.store.replicas([]).count, 0, "replicas of an empty list")
        },
        .scene("leastRecentlyUsed lists the present replicas of one pool, oldest use first, marked ones too") { scene in
            let start = scene.now
            for (number, seconds) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
                try await scene.makePresent(number, lastUsed: start + .seconds(seconds))
            }
            try await scene.makePresent(5, in: scene.otherPool, lastUsed: start)
            try await scene.makeError(try scene.id(6))
            try requireEqual(try await scene.store.claim(try scene.id(7)), .claimed, "claim")
            try requireEqual(
                try await scene.store.beginRemoval(try await scene.makePresent(8, lastUsed: start).id) != nil, true,
                "removal")
            try requireEqual(try await scene.store.mark([try scene.id(3)], unusedSince: start + .seconds(20)).count, 1, "marked")
            let listed = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 100)
            try requireEqual(Set(listed.prefix(2).map(\.id)), [try scene.id(2), try scene.id(4)], "those used first")
            try requireEqual(listed.dropFirst(2).map(\.id), [try scene.id(3), try scene.id(1)], "the others")
            for replica in listed { try await scene.requireStatus(replica.id, replica.status) }
        },
        .scene("leastRecentlyUsed follows touches") { scene in
            for number in 1...3 { try await scene.makePresent(number, lastUsed: scene.now + .seconds(number)) }
            try await scene.store.touch([ReplicaUse(id: try scene.id(1), at: scene.now + .seconds(10))])
            let listed = try await scene.store.leastRecentlyUsed(in: scene.pool, after: nil, limit: 10).map(\.id)
            try requireEqual(listed, [try scene.id(2), try scene.id(3), try scene.id(1)], "order")
        },
        .scene("leastRecentlyUsed lists each replica exactly once over pages of any length, even with equal times") { scene in
            for number in 0..<23 { try await scene.makePresent(number, lastUsed: scene.now + .seconds(number / 6)) }
            for limit in [1, 4, 6, 23, 1_000] {
                var listed: [Replica] = []
                while true {
                    let page = try await scene.store.leastRecentlyUsed(in: scene.pool, after: listed.last, limit: limit)
                    try require(page.count <= limit, "a page of \(page.count), \(limit) were asked for")
                    listed += page
                    if page.isEmpty { break }
                    try require(listed.count <= 23, "more replicas than there are")
                }
                try requireEqual(Set(listed.map(\.id)).count, 23, "different replicas in pages of \(limit)")
                try requireEqual(listed.count, 23, "replicas in pages of \(limit)")
            }
        },
        .scene("replicas lists every state in the order of pool and of the hash of the name, over pages") { scene in
            try await scene.makeError(try scene.id(3))
            try await scene.makePresent(1)
            try requireEqual(try await scene.store.claim(try scene.id(2)), .claimed, "claim")
            try await scene.makePresent(5, in: scene.otherPool)
            try await scene.makePresent(4, in: scene.otherPool)
            let here = [try scene.id(1), try scene.id(2), try scene.id(3)].sorted(by: scene.precedes)
            let elsewhere = [try scene.id(4, in: scene.otherPool), try scene.id(5, in: scene.otherPool)].sorted(by: scene.precedes)
            try requireEqual(try await scene.store.replicas(in: scene.pool, after: nil, limit: 100).map(\.id), here, "replicas of a pool")
            for limit in [1, 2, 5, 100] {
                var listed: [Replica] = []
                while true {
                    let page = try await scene.store.replicas(in: nil, after: listed.last?.id, limit: limit)
                    try require(page.count <= limit, "a page of \(page.count), \(limit) were asked for")
                    listed += page
                    if page.isEmpty { break }
                    try require(listed.count <= 5, "more replicas than there are")
                }
                try requireEqual(listed.map(\.id), elsewhere + here, "replicas of all pools in pages of \(limit)")
                for replica in listed { try await scene.requireStatus(replica.id, replica.status) }
            }
            try requireEqual(try await scene.store.replicas(in: scene.pool, after: here[1], limit: 5).map(\.id), [here[2]], "second page")
        },
        .scene("replicas lists those in one state, and no page but the last is short, over pages and pools") { scene in
            var ids: [Replica.State: [ReplicaID]] = [:]
            for number in 0..<40 {
                let id = try scene.id(number, in: number.isMultiple(of: 3) ? scene.otherPool : scene.pool)
                switch number % 5 {
                case 0:
                    try requireEqual(try await scene.store.beginRemoval(id) != nil, true, "removal")
                    ids[.absent, default: []].append(id)
                case 1:
                    try await scene.makeError(id)
                    ids[.error, default: []].append(id)
                case 2, 3:
                    _ = try await scene.store.recordPresent(id, scene.object(id))
                    ids[.present, default: []].append(id)
                default: ids[.pending, default: []].append(id)
                }
            }
            for id in ids[.pending] ?? [] { try requireEqual(try await scene.store.claim(id), .claimed, "claim") }
            for state in Replica.State.allCases {
                for pool in [nil, scene.pool, scene.otherPool] {
                    let expected = (ids[state] ?? []).filter { pool == nil || $0.pool == pool }.sorted {
                        ($0.pool.description, $0.artifact.nameHash) < ($1.pool.description, $1.artifact.nameHash)
                    }
                    var listed: [ReplicaID] = []
                    while true {
                        let page = try await scene.store.replicas(in: pool, state: state, after: listed.last, limit: 3)
                        listed += page.map(\.id)
                        try require(page.count <= 3, "a page of \(page.count)")
                        if page.count < 3 { break }
                    }
                    try requireEqual(listed, expected, "\(state) replicas of \(pool.map(\.description) ?? "all pools")")
                }
            }
            // A replica whose state changes moves to another list.
            let id = try requireValue(ids[.absent]?.first, "one under removal")
            scene.clock.advance(by: .seconds(300))
            try requireEqual(try await scene.store.remove(id), true, "its end")
            _ = try await scene.store.recordPresent(id, scene.object(id))
            let present = try await scene.store.replicas(in: id.pool, state: .present, after: nil, limit: 100).map(\.id)
            try require(present.contains(id), "it is not listed as present")
            let removed = try await scene.store.replicas(in: id.pool, state: .absent, after: nil, limit: 100).map(\.id)
            try require(!removed.contains(id), "it is listed as under removal")
        },
    ]

    static let totals: [Case] = [
        .scene("the totals of an unknown pool are zero") { scene in
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(), "totals")
        },
        .scene("totals agree with what was recorded, after every kind of transition") { scene in
            func expect(_ totals: PoolTotals, _ when: String, line: Int = #line) async throws {
                try requireEqual(try await scene.store.totals(of: scene.pool), totals, "totals after \(when)", line: line)
            }
            let first = try await scene.claimAndLease(try scene.id(1))
            try await expect(PoolTotals(pending: 1), "a claim and a lease")
            _ = try await scene.store.extend(first, duration: .seconds(20))
            try await scene.store.finish(first, .retry(after: .zero))
            try await expect(PoolTotals(pending: 1), "a retry")
            try await scene.store.finish(try requireValue(try await scene.lease()), .handBack)
            try await expect(PoolTotals(pending: 1), "a lease handed back")
            let again = try requireValue(try await scene.lease())
            try await scene.store.finish(again, .present(scene.object(again.id, size: 100)))
            try await expect(PoolTotals(objects: 1, bytes: 100), "a copy")
            try await scene.makeError(try scene.id(2), retryIn: .seconds(1))
            try await expect(PoolTotals(objects: 1, bytes: 100, errors: 1), "a failure")
            scene.clock.advance(by: .seconds(2))
            try requireEqual(try await scene.store.claim(try scene.id(2)), .claimed, "claim of an error")
            try await expect(PoolTotals(objects: 1, bytes: 100, pending: 1), "a claim of an error")
            try requireEqual(try await scene.store.beginRemoval(try scene.id(2)) != nil, true, "purge")
            try await expect(PoolTotals(objects: 1, bytes: 100), "a purge of a pending replica")
            try await scene.makePresent(3, size: 11)
            try await scene.makeError(try scene.id(4))
            try await scene.makePresent(4, size: 5)
            try await expect(PoolTotals(objects: 3, bytes: 116), "back-fills")
            try await scene.makePresent(4, size: 900)
            try await scene.store.touch([ReplicaUse(id: try scene.id(4), at: scene.now + .seconds(1))])
            try requireEqual(try await scene.store.mark([try scene.id(3)], unusedSince: scene.now).count, 1, "marked")
            try await expect(PoolTotals(objects: 3, bytes: 116), "a use and a mark")
            let removal = try requireValue(
                try await scene.store.beginRemoval(try scene.id(3), .unused(since: scene.now), duration: .seconds(300)), "removal")
            try await expect(PoolTotals(objects: 2, bytes: 105), "a removal")
            try requireEqual(try await scene.store.endRemoval(removal), true, "end of the removal")
            try await expect(PoolTotals(objects: 2, bytes: 105), "the end of a removal")
            try requireEqual(try await scene.store.totals(of: scene.otherPool), PoolTotals(), "totals of the other pool")
        },
    ]
}
