import MirrorCore
import MirrorState
import Retention

extension ActivityStoreSuite {
    static let sums: [Case] = [
        .scene("sums add up, and each call returns the new values of those that it has added to") { scene in
            try requireEqual(try await scene.store.sums(), [:], "sums at first")
            try requireEqual(try await scene.store.addSums(["a": 1.5, "b": -2]), ["a": 1.5, "b": -2], "new sums")
            try requireEqual(try await scene.store.addSums(["a": 0.25, "c": 1e-9]), ["a": 1.75, "c": 1e-9], "new sums")
            try requireEqual(try await scene.store.addSums([:]), [:], "new sums of nothing")
            try requireEqual(try await scene.store.sums(), ["a": 1.75, "b": -2, "c": 1e-9], "sums")
        },
        .scene("simultaneous additions are all in the sums") { scene in
            _ = try await scene.race(20) { number in try await scene.store.addSums(["all": 1, "own \(number)": Double(number)]) }
            let sums = try await scene.store.sums()
            try requireEqual(sums["all"], 20, "common sum")
            try requireEqual(sums.values.reduce(0, +), 20 + 190, "sum of all")
        },
        .scene("values that are not finite are not added, and names are bounded") { scene in
            let long = String(repeating: "x", count: ActivityLimits.nameLength + 1)
            let deltas = ["a": Double.nan, "b": .infinity, "c": 0x1p1000, "": 1, long: 1, String(long.dropFirst()): 1]
            let added = try await scene.store.addSums(deltas)
            try requireEqual(added, ["c": 0x1p1000, String(long.dropFirst()): 1], "what was added")
            try requireEqual(try await scene.store.sums(), added, "sums")
        },
        .scene("there are never more sums than allowed, and existing ones still grow", maxSums: 3) { scene in
            try requireEqual(try await scene.store.addSums(["a": 1, "b": 1]).count, 2, "sums")
            let added = try await scene.store.addSums(["a": 1, "c": 1, "d": 1, "e": 1])
            try requireEqual(added.count, 2, "sums of the second call")
            try requireEqual(added["a"], 2, "sum that was there")
            try requireEqual(try await scene.store.sums().count, 3, "sums")
            try await scene.store.removeSums(["a"])
            try requireEqual(try await scene.store.addSums(["z": 1]), ["z": 1], "a sum that has room again")
        },
        .scene("removeSums removes the given sums and nothing else") { scene in
            _ = try await scene.store.addSums(["a": 1, "b": 2, "c": 3])
            try await scene.store.removeSums(["a", "c", "unknown"])
            try await scene.store.removeSums([])
            try requireEqual(try await scene.store.sums(), ["b": 2], "sums")
        },
        .scene("thousands of sums are added and read") { scene in
            let deltas = Dictionary(uniqueKeysWithValues: (0..<2_500).map { ("sum \($0)", Double($0) + 0.5) })
            try requireEqual(try await scene.store.addSums(deltas), deltas, "new sums")
            try requireEqual(try await scene.store.sums(), deltas, "sums")
        },
        .scene("classes stay in the order in which they first appeared") { scene in
            try requireEqual(try await scene.store.addClasses([]), [], "classes at first")
            try requireEqual(try await scene.store.addClasses(["b", "a", "b"]), ["b", "a"], "classes")
            try requireEqual(try await scene.store.addClasses(["c", "a"]), ["b", "a", "c"], "classes")
            try requireEqual(try await scene.store.addClasses([]), ["b", "a", "c"], "classes at last")
        },
        .scene("after the first thousand classes there is one for all others") { scene in
            let names = (0..<ActivityLimits.classes - 1).map { "class \($0)" }
            try requireEqual(try await scene.store.addClasses(names), names, "classes")
            let all = names + ["one more", ActivityLimits.otherClass]
            try requireEqual(try await scene.store.addClasses(["one more", "too many", "class 3", "even more"]), all, "classes")
            try requireEqual(try await scene.store.addClasses(["yet another"]), all, "classes")
            var list = ClassList()
            for name in all { _ = list.number(of: name) }
            try requireEqual(list.number(of: "yet another"), UInt32(all.count - 1), "number of another class")
        },
    ]
}
