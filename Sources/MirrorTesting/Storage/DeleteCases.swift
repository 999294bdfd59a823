import MirrorCore
import MirrorStorage

extension ObjectStoreSuite {
    static let delete: [Case] = [
        Case("delete of an absent key succeeds") { store in
            let object = try SampleObject(size: 1)
            try await store.delete(object.key)
            try await store.requireAbsent(object.key, "after delete")
        },
        Case("a deleted object is absent, and can be stored again") { store in
            let object = try SampleObject(size: 1_000)
            try await object.put(into: store)
            try await store.delete(object.key)
            try await store.requireAbsent(object.key, "after delete")
            try await store.delete(object.key)
            try await object.put(into: store)
            try await store.requireHolds(object)
            try await store.delete(object.key)
        },
        Case("delete of many keys deletes those that exist, and ignores those that do not") { store in
            let objects = try ["a b+c.bin", "ü&<>\"'%25.bin", "plain.bin"].map { try SampleObject($0, size: 10) }
            let kept = try SampleObject(size: 20)
            let absent = try SampleObject(size: 1)
            for object in objects + [kept] { try await object.put(into: store) }
            let failures = try await store.delete(objects.map(\.key) + [absent.key])
            try requireEqual(failures.count, 0, "the keys that could not be deleted")
            for object in objects { try await store.requireAbsent(object.key, "after delete") }
            try await store.requireHolds(kept)
            try requireEqual(try await store.delete([]).count, 0, "failures of no keys")
            try await store.delete(kept.key)
        },
        Case("delete of more keys than fit in one request deletes them all") { store in
            let objects = try (0..<3).map { try SampleObject(size: 10 + $0) }
            for object in objects { try await object.put(into: store) }
            let absent = try (0..<2_100).map { _ in try SampleObject(size: 0).key }
            let keys = [objects[0].key] + absent.prefix(1_050) + [objects[1].key] + absent.suffix(1_050) + [objects[2].key]
            try requireEqual(try await store.delete(keys).count, 0, "the keys that could not be deleted")
            for object in objects { try await store.requireAbsent(object.key, "after delete") }
        },
        Case("delete does not affect other objects") { store in
            let (object, other) = (try SampleObject(size: 1_000), try SampleObject(size: 2_000, seed: 1))
            try await object.put(into: store)
            try await other.put(into: store)
            try await store.delete(object.key)
            try await store.requireHolds(other)
            try await store.delete(other.key)
        },
    ]
}
