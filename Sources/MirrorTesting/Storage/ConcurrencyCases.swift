import MirrorCore
import MirrorStorage
import NIOCore

extension ObjectStoreSuite {
    static let concurrency: [Case] = [
        Case("calls may be made from any task at any time") { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let object = try SampleObject(size: 50_000 + number, seed: UInt8(number))
                        for _ in 0..<3 {
                            try await object.put(into: store)
                            try await store.requireHolds(object)
                            _ = try await store.list(after: nil, limit: 10)
                            try await store.delete(object.key)
                            try await store.requireAbsent(object.key, "after delete")
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
        Case("after simultaneous uploads of one key, the object is one of them, complete") { store in
            let first = try SampleObject(size: 200_000)
            let candidates = (0..<4).map { first.replaced(size: 200_000 + $0, seed: UInt8($0)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for object in candidates { group.addTask { try await object.put(into: store) } }
                try await group.waitForAll()
            }
            let held = try await store.bytes(first.key)
            try require(candidates.contains { $0.bytes == held }, "the object is not one of those that were stored")
            try await store.delete(first.key)
        },
        Case("simultaneous uploads and deletions of one key do not fail") { store in
            let object = try SampleObject(size: 1_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { for _ in 0..<5 { try await object.put(into: store) } }
                    group.addTask { for _ in 0..<5 { try await store.delete(object.key) } }
                }
                try await group.waitForAll()
            }
            try await object.put(into: store)
            try await store.requireHolds(object)
            try await store.delete(object.key)
        },
        Case("a reader whose object is replaced reads the first object or gets an error, never a mixture") { store in
            let first = try SampleObject(size: 1_300_007)
            let second = first.replaced(size: 1_300_007, seed: 100)
            try await first.put(into: store)
            try await requireUnmixed(first, read: store) { try await second.put(into: store) }
            try await store.requireHolds(second)
            try await store.delete(first.key)
        },
        Case("a reader whose object is deleted reads it to its end or gets an error") { store in
            let object = try SampleObject(size: 1_300_007)
            try await object.put(into: store)
            try await requireUnmixed(object, read: store) { try await store.delete(object.key) }
            try await store.requireAbsent(object.key, "after delete")
        },
    ]

    /// Reads `object`, and makes `change` after the first chunk.
    private static func requireUnmixed(_ object: SampleObject, read store: any ObjectStore, change: () async throws -> Void) async throws {
        var iterator = try await store.get(object.key, range: nil).body.makeAsyncIterator()
        var bytes = try requireValue(try await iterator.next(), "first chunk")
        try await change()
        do {
            while var chunk = try await iterator.next() { bytes.writeBuffer(&chunk) }
        } catch is StorageError {
            try require(bytes == (try object.slice(0, Int64(bytes.readableBytes))), "what was read before the error is a mixture")
            return
        }
        try require(bytes == object.bytes, "what was read is not the object that was opened")
    }
}
