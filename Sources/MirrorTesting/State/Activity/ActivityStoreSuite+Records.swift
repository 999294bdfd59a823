import MirrorCore
import MirrorState

extension ActivityStoreSuite {
    static let records: [Case] = [
        .scene("an unknown artifact has no record, and a change that returns none creates none") { scene in
            let update = try await scene.store.updateActivity([scene.key(1), scene.key(2)]) { position, record in
                (position: position, isKnown: record != nil)
            }
            try requireEqual(update.outcomes.map { $0?.position }, [0, 1], "positions")
            try requireEqual(update.outcomes.map { $0?.isKnown }, [false, false], "whether there were records")
            try requireEqual(update.dropped, [], "dropped records")
            try await scene.requireRecord(scene.key(1), nil)
            try requireEqual(try await scene.all(), [], "all records")
        },
        .scene("a record is read exactly as it was written") { scene in
            let record = ActivityRecord(
                firstSeen: 1, artifactClass: .max,
                pools: [
                    ActivityRecord.PoolUses(
                        pool: .max, uses: .max, first: 0, own: 1_800_000_000, clock: .max, place: 114, gone: 1_800_000_001,
                        open: -1.5e-30),
                    ActivityRecord.PoolUses(pool: 0, uses: 1, first: 13, own: 10, clock: 10, place: 19, open: 3.25e7),
                ])
            try await scene.write(record, scene.key(1))
            try await scene.requireRecord(scene.key(1), record)
            let smaller = ActivityRecord(firstSeen: 10, artifactClass: 0, pools: [record.pools[1]])
            try await scene.write(smaller, scene.key(1))
            try requireEqual(
                try await scene.store.activity(of: [scene.key(2), scene.key(1), scene.key(1)]), [nil, smaller, smaller], "records")
        },
        .scene("changes that name one key several times are made in order") { scene in
            let keys = [scene.key(1), scene.scattered(2), scene.key(1), scene.key(1)]
            let update = try await scene.store.updateActivity(keys) { position, record in
                let before = record?.firstSeen
                record = ActivityRecord(firstSeen: UInt32(position), artifactClass: 0, pools: [])
                return before
            }
            try requireEqual(update.outcomes, [.some(nil), .some(nil), 0, 2], "what the changes found")
            try requireEqual(try await scene.store.activity(of: keys).map { $0?.firstSeen }, [3, 1, 3, 3], "records")
        },
        .scene("each of many simultaneous changes of one artifact sees the record that the previous one left") { scene in
            let key = scene.key(1)
            let found = try await scene.race(16) { number in
                try await scene.store.updateActivity([key, scene.scattered(number)]) { position, record in
                    let before = record?.firstSeen ?? 0
                    if position == 0 { record = ActivityRecord(firstSeen: before + 1, artifactClass: 0, pools: []) }
                    return before
                }.outcomes[0]
            }
            try requireEqual(found.compactMap(\.self).sorted(), Array(0..<16), "what the changes found")
            try requireEqual(try await scene.store.activity(of: [key]).map { $0?.firstSeen }, [16], "record")
        },
        .scene("a change that returns nothing removes the record") { scene in
            for number in 1...2 { try await scene.write(scene.record(clock: 2_000), scene.key(number)) }
            try await scene.write(nil, scene.key(1))
            try await scene.requireRecord(scene.key(1), nil)
            try requireEqual(try await scene.all().map(\.key), [scene.key(2)], "all records")
        },
        .scene("a purge removes the records of the given artifacts and nothing else") { scene in
            for number in 1...3 { try await scene.write(scene.record(clock: 2_000), scene.key(number)) }
            try await scene.write(scene.record(clock: 2_000), scene.scattered(4))
            try await scene.store.removeActivity(of: [scene.key(2), scene.scattered(4), scene.key(9)])
            try await scene.store.removeActivity(of: [])
            try requireEqual(try await scene.all().map(\.key), [scene.key(1), scene.key(3)], "all records")
        },
        .scene("all pages have each record once, in the order of the keys") { scene in
            // More than a page of any store.
            let count = ActivityLimits.page + 100
            let keys = (0..<count).map { scene.scattered($0) } + [ActivityKey(high: .max, low: .max), ActivityKey(high: 0, low: 1)]
            let update = try await scene.store.updateActivity(keys) { position, record in
                record = scene.record(clock: UInt32(position))
            }
            try requireEqual(update.dropped, [], "dropped records")
            let entries = try await scene.all()
            try requireEqual(entries.map(\.key), Set(keys).sorted(), "keys")
            try requireEqual(Set(entries.map(\.record.clock)), Set((0..<UInt32(count + 2))), "clocks")
        },
    ]

    static let histories: [Case] = [
        .scene("there are never more records than the history allows, and the oldest are dropped first, each once", history: 3) { scene in
            var dropped: [UInt32] = []
            for number in [4, 2, 9, 7, 1, 8, 5, 3, 6] {
                let update = try await scene.write(scene.record(clock: UInt32(number)), scene.key(number))
                dropped += update.dropped.map(\.clock)
                let kept = try await scene.all().map(\.record.clock)
                try require((1...3).contains(kept.count), "\(kept.count) records are kept")
                try require(kept.allSatisfy { clock in dropped.count < 1 || clock > dropped[dropped.count - 1] }, "an older one is kept")
            }
            let kept = try await scene.all().map(\.record.clock)
            try requireEqual((dropped + kept).sorted(), Array(1...9), "what was dropped and what is kept")
            try require(kept.contains(9), "the newest was dropped")
        },
        .scene("many records at once leave no more than the history allows", history: 3) { scene in
            let update = try await scene.store.updateActivity((1...50).map { scene.key($0) }) { position, record in
                record = scene.record(clock: UInt32(100 + position))
            }
            let kept = try await scene.all().map(\.record.clock)
            try require((1...3).contains(kept.count), "\(kept.count) records are kept")
            try requireEqual((update.dropped.map(\.clock) + kept).sorted(), Array(100..<150), "what was dropped and what is kept")
        },
        .scene("a record that was changed is dropped by its new clock", history: 3) { scene in
            for number in 1...3 { try await scene.write(scene.record(clock: UInt32(10 * number)), scene.key(number)) }
            try await scene.write(scene.record(clock: 10, uses: 2), scene.key(1))
            try await scene.write(scene.record(clock: 100, uses: 3), scene.key(1))
            try await scene.write(scene.record(clock: 100, uses: 4), scene.key(1))
            let dropped = try await scene.write(scene.record(clock: 110), scene.key(4)).dropped.map(\.clock)
            let kept = try await scene.all().map(\.record.clock)
            try require(!dropped.isEmpty, "nothing was dropped")
            try require(kept.allSatisfy { clock in dropped.allSatisfy { $0 < clock } }, "an older one is kept")
            try require((dropped + kept).contains(100), "neither was it dropped nor is it kept")
            if kept.contains(100) { try await scene.requireRecord(scene.key(1), scene.record(clock: 100, uses: 4)) }
        },
        .scene("records that were removed do not count", history: 2) { scene in
            for number in 0..<10 {
                let update = try await scene.write(scene.record(clock: 5), scene.key(number))
                try requireEqual(update.dropped, [], "dropped records")
                if number.isMultiple(of: 2) {
                    try await scene.store.removeActivity(of: [scene.key(number)])
                } else {
                    try await scene.write(nil, scene.key(number))
                }
            }
            try requireEqual(try await scene.all(), [], "all records")
        },
    ]
}
