import MirrorCore
import MirrorStorage

extension ObjectStoreSuite {
    static var delete: [Case] {
        [
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
            Case("delete leaves other objects alone") { store in
                let (object, other) = (try SampleObject(size: 1_000), try SampleObject(size: 2_000, seed: 1))
                try await object.put(into: store)
                try await other.put(into: store)
                try await store.delete(object.key)
                try await store.requireHolds(other)
                try await store.delete(other.key)
            },
        ]
    }
}
