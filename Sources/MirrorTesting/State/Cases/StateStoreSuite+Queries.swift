import MirrorCore
import MirrorState

extension StateStoreSuite {
    static let queries: [Case] = [
        .scene("the query that was kept last is the one that is read, across leases, retries and hand-backs") { scene in
            let id = try scene.id(1)
            try requireEqual(try await scene.store.query(for: id), nil, "query before one was kept")
            try await scene.store.keepQuery(FetchQuery("X-Amz-Signature=1"), for: id)
            var lease = try await scene.claimAndLease(id)
            try requireEqual(try await scene.store.query(for: id), FetchQuery("X-Amz-Signature=1"), "query of the first lease")
            try await scene.store.keepQuery(FetchQuery("X-Amz-Signature=2"), for: id)
            for result in [CopyResult.retry(after: .zero), .handBack] {
                try await scene.store.finish(lease, result)
                lease = try requireValue(try await scene.lease(), "lease after \(result)")
                try requireEqual(try await scene.store.query(for: id), FetchQuery("X-Amz-Signature=2"), "query after \(result)")
            }
        },
        .scene("a query belongs to one replica") { scene in
            try await scene.store.keepQuery(FetchQuery("sig=1"), for: try scene.id(1))
            try requireEqual(try await scene.store.query(for: try scene.id(2)), nil, "query of another artifact")
            try requireEqual(try await scene.store.query(for: try scene.id(1, in: scene.otherPool)), nil, "query of another pool's replica")
        },
        .scene("any text is read as it was kept") { scene in
            for text in ["", "a", "a=%20&b=*{}[]|'\"\\$1 &&", String(repeating: "q", count: 8_000)] {
                try await scene.store.keepQuery(FetchQuery(text), for: try scene.id(1))
                try requireEqual(try await scene.store.query(for: try scene.id(1))?.text, text, "query")
            }
        },
        .scene("a query is gone when its copy has ended, successfully or not") { scene in
            for (number, result) in [CopyResult.present(scene.object(try scene.id(1))), .failed(scene.failure())].enumerated() {
                let lease = try await scene.claimAndLease(try scene.id(number + 1))
                try await scene.store.keepQuery(FetchQuery("sig=1"), for: lease.id)
                try await scene.store.finish(lease, result)
                try requireEqual(try await scene.store.query(for: lease.id), nil, "query after \(result)")
            }
        },
        .scene("a query that is kept once the end of a copy was told stays") { scene in
            for number in 0..<50 {
                let lease = try await scene.claimAndLease(try scene.id(number))
                var changes = await scene.store.changes().makeAsyncIterator()
                async let finished: Void = scene.store.finish(lease, .failed(scene.failure()))
                while let change = await changes.next() {
                    if case .replica(let id, let replica) = change, id == lease.id, replica?.state == .error { break }
                }
                try await scene.store.keepQuery(FetchQuery("sig=new"), for: lease.id)
                try await finished
                try requireEqual(try await scene.store.query(for: lease.id), FetchQuery("sig=new"), "query")
            }
        },
        .scene("a query stays if a copy cannot be finished because its lease is not the newest") { scene in
            let old = try await scene.claimAndLease(try scene.id(1))
            try await scene.store.keepQuery(FetchQuery("sig=1"), for: old.id)
            scene.clock.advance(by: .seconds(16))
            _ = try requireValue(try await scene.lease(), "second lease")
            try await scene.requireStale("finish") { try await scene.store.finish(old, .failed(scene.failure())) }
            try requireEqual(try await scene.store.query(for: old.id), FetchQuery("sig=1"), "query")
        },
        .scene("a query is gone when its replica was taken out of service, whatever its state") { scene in
            try await scene.makePresent(2)
            try requireEqual(try await scene.store.claim(try scene.id(3)), .claimed, "claim")
            for number in 1...3 {
                let id = try scene.id(number)
                try await scene.store.keepQuery(FetchQuery("sig=1"), for: id)
                let removal = try requireValue(try await scene.store.beginRemoval(id), "removal")
                try requireEqual(try await scene.store.query(for: id), nil, "query of \(number)")
                try requireEqual(try await scene.store.endRemoval(removal), true, "end of the removal")
            }
        },
        .scene("a kept query changes no record, and no listing or change shows it") { scene in
            let id = try scene.id(1)
            try await scene.store.keepQuery(FetchQuery("X-Amz-Signature=secret"), for: id)
            try await scene.requireStatus(id, nil)
            let changes = await scene.store.changes()
            let lease = try await scene.claimAndLease(id)
            try await scene.store.keepQuery(FetchQuery("X-Amz-Signature=secret2"), for: id)
            try await scene.requireStatus(id, .pending)
            var shown = ["\(lease)", "\(try await scene.store.replicas(in: nil, after: nil, limit: 10))"]
            shown.append(String(reflecting: try await scene.store.query(for: id)))
            for await change in changes {
                shown.append("\(change)")
                break
            }
            try requireEqual(shown.filter { $0.contains("secret") }, [], "what shows the query")
            try requireEqual(try await scene.store.totals(of: scene.pool), PoolTotals(pending: 1), "totals")
        },
        .scene("a claim of an origin's refusal succeeds early if a query has been kept since") { scene in
            for (number, status) in [400, 401, 403, 404, 410, 499].enumerated() {
                let lease = try await scene.claimAndLease(try scene.id(number))
                try await scene.store.keepQuery(FetchQuery("sig=old"), for: lease.id)
                let failure = CopyFailure(reason: .origin(status: status), message: "no", retryAt: scene.now + .seconds(30))
                try await scene.store.finish(lease, .failed(failure))
                let replica = Replica(id: lease.id, status: .error(failure))
                try requireEqual(try await scene.store.claim(lease.id), .exists(replica), "claim without a query, \(status)")
                try await scene.store.keepQuery(FetchQuery("sig=new"), for: lease.id)
                try requireEqual(try await scene.store.claim(lease.id), .claimed, "claim with one, \(status)")
                try requireEqual(try await scene.store.query(for: lease.id), FetchQuery("sig=new"), "query, \(status)")
                try await scene.store.finish(try requireValue(try await scene.lease(), "lease"), .failed(failure))
            }
        },
        .scene("a kept query does not make unrelated replicas claimable") { scene in
            let reasons: [CopyFailure.Reason] = [
                .origin(status: 408), .origin(status: 425), .origin(status: 429), .origin(status: 500), .origin(status: 503), .refused,
                .transfer, .tooLarge, .storage,
            ]
            for (number, reason) in reasons.enumerated() {
                let lease = try await scene.claimAndLease(try scene.id(number))
                let failure = CopyFailure(reason: reason, message: "no", retryAt: scene.now + .seconds(30))
                try await scene.store.finish(lease, .failed(failure))
                try await scene.store.keepQuery(FetchQuery("sig=new"), for: lease.id)
                let replica = Replica(id: lease.id, status: .error(failure))
                try requireEqual(try await scene.store.claim(lease.id), .exists(replica), "claim, \(reason)")
            }
            let present = try await scene.makePresent(20)
            try await scene.store.keepQuery(FetchQuery("sig=new"), for: present.id)
            try requireEqual(try await scene.store.claim(present.id), .exists(present), "claim of a present replica")
        },
    ]
}
