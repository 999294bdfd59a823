import MirrorCore
import MirrorState
import Retention

/// Uses of some artifacts in three pools, the same each time, and what several processes make of them.
struct ActivityTrace {
    static let classes = ["releases", "nightlies"]
    private static let pools: [UInt32] = ["pools/a", "pools/b", "pools/c"].map { ActivityRecord.number(of: $0) }
    private static let intervals = Dictionary(uniqueKeysWithValues: pools.map { ($0, 50_000.0) })

    let uses: [ActivityUse]

    init(_ key: (Int) -> ActivityKey) {
        var state: UInt64 = 11
        func random(_ limit: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % limit)
        }
        // Over the end of one landmark and the beginning of the next.
        var time = UInt32(ContextSums.landmark(at: 1_900_000_000)) - 300_000
        uses = (0..<200).map { _ in
            time += UInt32(random(6_000))
            let artifact = random(12)
            return ActivityUse(
                key: key(artifact), pool: Self.pools[random(3)], artifactClass: ActivityRecord.number(of: Self.classes[artifact % 2]),
                time: time, bytes: Int64(1_000_000 * (artifact + 1)), isKept: artifact != 3)
        }
    }

    var end: Double { Double(uses.last?.time ?? 0) }

    /// What the classes are called in sums that are made here.
    private static let numbers = Dictionary(
        uniqueKeysWithValues: classes.enumerated().map { (ActivityRecord.number(of: $1), UInt32($0)) })

    /// One of the processes that share a store: it adds to the store only now and then.
    struct Process {
        private let store: any ActivityStore
        private let pause: Int
        private var pending: [Observations] = []
        private var classes: [UInt32] = []
        private var began = 0.0

        /// - Parameter pause: After how many uses it adds to the store.
        init(_ store: any ActivityStore, pause: Int) {
            self.store = store
            self.pause = pause
        }

        mutating func record(_ use: ActivityUse) async throws {
            let update = try await store.updateActivity([use.key]) { _, record in
                ActivityRecord.use(&record, use, renewalIntervals: ActivityTrace.intervals)
            }
            if pending.isEmpty { began = Double(use.time) }
            pending.append(try requireValue(update.outcomes.first ?? nil, "what was observed"))
            classes.append(try requireValue(ActivityTrace.numbers[use.artifactClass], "number of the class"))
            if pending.count == pause { try await flush() }
        }

        mutating func flush() async throws {
            var sums = ContextSums(landmark: ContextSums.landmark(at: began))
            for (observations, artifactClass) in zip(pending, classes) { observations.add(to: &sums, as: artifactClass) }
            (pending, classes) = ([], [])
            _ = try await store.addSums(sums.named { ActivityRecord.number(of: ActivityTrace.classes[Int($0)]) })
        }
    }

    /// The sums that all processes have made together, and all records.
    func result(_ scene: ActivityScene) async throws -> (sums: [String: Double], records: [ActivityPage.Entry]) {
        let sums = ContextSums(named: try await scene.store.sums(), at: end, classes: Self.numbers)
        return (sums.named { $0 }, try await scene.all())
    }

    static func requireSame(_ one: [String: Double], _ other: [String: Double]) throws {
        try requireEqual(Set(one.keys), Set(other.keys), "names of the sums")
        try require(one.count > 100, "there are only \(one.count) sums")
        for (name, sum) in one {
            let difference = ((other[name] ?? 0) - sum).magnitude
            try require(difference <= 1e-9 * max(sum.magnitude, 1e-9), "sum \(name) differs by \(difference) of \(sum)")
        }
    }
}

extension ActivityStoreSuite {
    static let traces: [Case] = [
        Case("two processes that each record half of the uses make the same sums and records as one that records all") { subject in
            let (one, oneRecords) = try await subject.withStore { scene in
                let trace = ActivityTrace { scene.scattered($0) }
                var process = ActivityTrace.Process(scene.store, pause: 70)
                for use in trace.uses { try await process.record(use) }
                try await process.flush()
                let result = try await trace.result(scene)
                try await scene.store.removeActivity(of: result.records.map(\.key))
                try await scene.store.removeSums(Array(try await scene.store.sums().keys))
                return result
            }
            try await subject.withStore { scene in
                let trace = ActivityTrace { scene.scattered($0) }
                var first = ActivityTrace.Process(scene.store, pause: 31)
                var second = ActivityTrace.Process(scene.store, pause: 43)
                for (number, use) in trace.uses.enumerated() {
                    if number.isMultiple(of: 2) { try await first.record(use) } else { try await second.record(use) }
                }
                try await second.flush()
                try await first.flush()
                let (two, twoRecords) = try await trace.result(scene)
                try ActivityTrace.requireSame(one, two)
                try requireEqual(twoRecords, oneRecords, "records")
            }
        }
    ]
}
