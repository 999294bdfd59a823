import MirrorCore
import MirrorState

extension ActivityStoreSuite {
    static let documents: [Case] = [
        .scene("a document is replaced as a whole, and only if its version is the one that the writer read") { scene in
            try requireEqual(try await scene.store.document(.table), nil, "document at first")
            let bytes: [UInt8] = Array(0...255) + [0]
            let first = try requireValue(try await scene.store.replaceDocument(.table, with: bytes, version: 0), "first version")
            try require(first > 0, "the first version is \(first)")
            try requireEqual(try await scene.store.document(.table), ActivityDocument.Version(number: first, bytes: bytes), "document")
            try requireEqual(try await scene.store.replaceDocument(.table, with: [1], version: 0), nil, "version of a late writer")
            try requireEqual(try await scene.store.replaceDocument(.table, with: [1], version: first + 1), nil, "version of another writer")
            try requireEqual(try await scene.store.document(.table)?.bytes, bytes, "document after both")

            let second = try requireValue(try await scene.store.replaceDocument(.table, with: [], version: first), "second version")
            try require(second > first, "version \(second) is not larger than \(first)")
            try requireEqual(try await scene.store.document(.table), ActivityDocument.Version(number: second, bytes: []), "empty document")
        },
        .scene("documents do not disturb each other") { scene in
            let table = try requireValue(try await scene.store.replaceDocument(.table, with: [1], version: 0), "table")
            try requireEqual(try await scene.store.document(.guards), nil, "another document")
            let guards = try requireValue(try await scene.store.replaceDocument(.guards, with: [2], version: 0), "another document")
            try requireEqual(try await scene.store.document(.table), ActivityDocument.Version(number: table, bytes: [1]), "table")
            try requireEqual(
                try await scene.store.document(.guards), ActivityDocument.Version(number: guards, bytes: [2]), "another document")
        },
        .scene("one of many simultaneous writers of one version succeeds") { scene in
            let versions = try await scene.race(10) { number in
                try await scene.store.replaceDocument(.guards, with: [UInt8(number)], version: 0)
            }
            try requireEqual(versions.compactMap(\.self).count, 1, "successful writers")
            try requireEqual(try await scene.store.document(.guards)?.number, versions.compactMap(\.self).first, "version")
        },
        .scene("a large document is kept, and one that is too large is refused") { scene in
            let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try requireEqual(try await scene.store.replaceDocument(.table, with: large, version: 0) != nil, true, "whether it is kept")
            try require(try await scene.store.document(.table)?.bytes == large, "a different document from the one that was written")
            let tooLarge = [UInt8](repeating: 0, count: ActivityLimits.documentBytes + 1)
            try await requireThrows(StateError.self, "a document that is too large") {
                try await scene.store.replaceDocument(.guards, with: tooLarge, version: 0)
            }
            try requireEqual(try await scene.store.document(.guards), nil, "document that was refused")
        },
        .scene("every stream yields an element after a document was replaced, and ends with the store") { scene in
            var one = await scene.store.activityChanges().makeAsyncIterator()
            var other = await scene.store.activityChanges().makeAsyncIterator()
            var version: Int64 = 0
            for name in [ActivityDocument.table, .guards] {
                version = try requireValue(try await scene.store.replaceDocument(name, with: [1], version: 0), "version")
                try require(await one.next() != nil, "the first stream has ended")
                try require(await other.next() != nil, "the second stream has ended")
            }
            try requireEqual(try await scene.store.document(.guards)?.number, version, "version that was announced")
            await scene.store.close()
            while await one.next() != nil {}
            while await other.next() != nil {}
            var late = await scene.store.activityChanges().makeAsyncIterator()
            try require(await late.next() == nil, "a stream begins after the store was closed")
        },
    ]

    static let leases: [Case] = [
        .scene("the right to compute belongs to one holder as long as it is renewed") { scene in
            try requireEqual(try await scene.store.takeComputingLease("a", duration: .seconds(60)), true, "first holder")
            try requireEqual(try await scene.store.takeComputingLease("b", duration: .seconds(60)), false, "another one")
            scene.clock.advance(by: .seconds(59))
            try requireEqual(try await scene.store.takeComputingLease("a", duration: .seconds(60)), true, "first holder again")
            scene.clock.advance(by: .seconds(59))
            try requireEqual(try await scene.store.takeComputingLease("b", duration: .seconds(60)), false, "another one again")
        },
        .scene("the right to compute passes to another when its holder is gone") { scene in
            try requireEqual(try await scene.store.takeComputingLease("a", duration: .seconds(60)), true, "first holder")
            scene.clock.advance(by: .seconds(60))
            try requireEqual(try await scene.store.takeComputingLease("b", duration: .seconds(60)), true, "another one")
            try requireEqual(try await scene.store.takeComputingLease("a", duration: .seconds(60)), false, "first holder")
        },
        .scene("the right to compute passes to another when its holder, and nobody else, gives it back") { scene in
            try requireEqual(try await scene.store.takeComputingLease("a", duration: .seconds(60)), true, "first holder")
            try await scene.store.giveBackComputingLease("b")
            try requireEqual(try await scene.store.takeComputingLease("b", duration: .seconds(60)), false, "another one")
            try await scene.store.giveBackComputingLease("a")
            try requireEqual(try await scene.store.takeComputingLease("b", duration: .seconds(60)), true, "another one then")
            try await scene.store.giveBackComputingLease("a")
            try requireEqual(try await scene.store.takeComputingLease("a", duration: .seconds(60)), false, "first holder then")
        },
        .scene("one of many simultaneous callers gets the right to compute") { scene in
            let taken = try await scene.race(10) { try await scene.store.takeComputingLease("\($0)", duration: .seconds(60)) }
            try requireEqual(taken.filter { $0 }.count, 1, "holders")
        },
        .scene("the right to compute lasts no longer than its time if the clock is set back") { scene in
            try requireEqual(try await scene.store.takeComputingLease("a", duration: .seconds(60)), true, "first holder")
            scene.clock.advance(by: .seconds(-3_600))
            try requireEqual(try await scene.store.takeComputingLease("b", duration: .seconds(60)), false, "another one")
            scene.clock.advance(by: .seconds(60))
            try requireEqual(try await scene.store.takeComputingLease("b", duration: .seconds(60)), true, "another one after that time")
        },
    ]

    static let closing: [Case] = [
        .scene("calls about activity after close throw unavailable") { scene in
            await scene.store.close()
            func refuses(_ what: String, _ body: () async throws -> Void) async throws {
                try await requireThrows(StateError.self, what, where: { $0.code == .unavailable }, body)
            }
            try await refuses("activity") { _ = try await scene.store.activity(of: [scene.key(1)]) }
            try await refuses("updateActivity") { try await scene.write(scene.record(clock: 2_000), scene.key(1)) }
            try await refuses("activityPage") { _ = try await scene.store.activityPage(after: nil) }
            try await refuses("removeActivity") { try await scene.store.removeActivity(of: [scene.key(1)]) }
            try await refuses("addSums") { _ = try await scene.store.addSums(["a": 1]) }
            try await refuses("sums") { _ = try await scene.store.sums() }
            try await refuses("removeSums") { try await scene.store.removeSums(["a"]) }
            try await refuses("addClasses") { _ = try await scene.store.addClasses(["a"]) }
            try await refuses("document") { _ = try await scene.store.document(.table) }
            try await refuses("replaceDocument") { _ = try await scene.store.replaceDocument(.table, with: [1], version: 0) }
            try await refuses("takeComputingLease") { _ = try await scene.store.takeComputingLease("a", duration: .seconds(1)) }
            try await refuses("giveBackComputingLease") { try await scene.store.giveBackComputingLease("a") }
        }
    ]

    static let durability: [Case] = [
        Case("what was learnt is still there after the store was closed and opened again") { subject in
            let version = try await subject.withStore { scene in
                for number in 1...2 { try await scene.write(scene.record(clock: UInt32(number)), scene.scattered(number)) }
                _ = try await scene.store.addSums(["a": 1.5])
                _ = try await scene.store.addClasses(["b", "a"])
                return try await scene.store.replaceDocument(.table, with: [1, 2, 3], version: 0)
            }
            try await subject.withStore { scene in
                try await scene.requireRecord(scene.scattered(1), scene.record(clock: 1))
                try await scene.requireRecord(scene.scattered(2), scene.record(clock: 2))
                try requireEqual(try await scene.store.addSums(["a": 1]), ["a": 2.5], "sums")
                try requireEqual(try await scene.store.addClasses(["c"]), ["b", "a", "c"], "classes")
                let document = try requireValue(try await scene.store.document(.table), "document")
                try requireEqual(document, ActivityDocument.Version(number: version ?? 0, bytes: [1, 2, 3]), "document")
                let next = try await scene.store.replaceDocument(.table, with: [4], version: document.number)
                try require(next ?? 0 > document.number, "the next version is not larger")
            }
        },
        Case("a process that restarts continues where it stopped, except for what it had not added yet") { subject in
            let (all, lost) = try await subject.withStore { scene in
                let trace = ActivityTrace { scene.scattered($0) }
                // Adds after 70 and 140 uses, and ends with 60 that it has not added.
                var process = ActivityTrace.Process(scene.store, pause: 70)
                for use in trace.uses { try await process.record(use) }
                let lost = try await trace.result(scene)
                try await process.flush()
                return (try await trace.result(scene), lost)
            }
            try require(lost.sums != all.sums, "nothing was lost")
            try await subject.withStore { scene in
                let trace = ActivityTrace { scene.scattered($0) }
                let again = try await trace.result(scene)
                try ActivityTrace.requireSame(all.sums, again.sums)
                try requireEqual(again.records, all.records, "records")
            }
        },
    ]
}
