import MirrorCore
import MirrorStorage

extension ObjectStoreSuite {
    static let list: [Case] = [
        Case("list returns every complete object once, in the order of the keys, over pages of any length") { store in
            let objects = try (0..<7).map { try SampleObject("artifact-\($0).bin", size: 10 + $0) }
            for object in objects { try await object.put(into: store) }
            let underWay = try SampleObject(size: 10)
            let upload = try await store.beginUpload(underWay.key, metadata: underWay.metadata, expectedSize: 10)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 10), from: ByteStream(underWay.bytes))
            let ours = Set(objects.map(\.key)).union([underWay.key])
            let sizes = Dictionary(uniqueKeysWithValues: objects.map { ($0.key, $0.size) })
            for limit in [1, 2, 3, 1_000] {
                let listed = try await pages(of: store, limit: limit).filter { ours.contains($0.key) }
                let expected = objects.map(\.key).sorted { $0.precedes($1) }
                try requireEqual(listed.map(\.key), expected, "the keys in pages of \(limit)")
                for info in listed { try requireEqual(info.size, sizes[info.key], "size of \(info.key)") }
            }
            await upload.abort()
            for object in objects { try await store.delete(object.key) }
            let left = try await pages(of: store, limit: 1_000).filter { ours.contains($0.key) }
            try requireEqual(left.map(\.key), [], "what is left after deletion")
        },
        Case("list continues after a key that is gone") { store in
            let objects = try (0..<3).map { try SampleObject(size: 10 + $0) }.sorted { $0.key.precedes($1.key) }
            for object in objects { try await object.put(into: store) }
            try await store.delete(objects[1].key)
            let next = try await store.list(after: objects[1].key, limit: 1_000)
            try require(next.contains { $0.key == objects[2].key }, "the next object is missing")
            try require(next.allSatisfy { objects[1].key.precedes($0.key) }, "a page has keys before the one that it continues after")
            for object in objects { try await store.delete(object.key) }
        },
        Case("list returns keys of any characters unchanged") { store in
            let names = [
                "a b+c.bin", "ü&<>\"'%25.bin", "e\u{301}%2B.bin", "~!$(),;=:@[].bin", "\u{301}x.bin", "\u{200D}.bin", "\u{E9}\u{FE0F}",
            ]
            let objects = try names.map { try SampleObject($0, size: 10) }
            for object in objects { try await object.put(into: store) }
            // By bytes, because strings with different bytes may be equal.
            let listed = Set(try await pages(of: store, limit: 1_000).map { Array($0.key.description.utf8) })
            for object in objects {
                try require(listed.contains(Array(object.key.description.utf8)), "\(object.key) is not in the listing")
            }
            for object in objects { try await store.requireHolds(object) }
            for object in objects { try await store.delete(object.key) }
        },
        Case("list returns about an object what head returns") { store in
            let object = try SampleObject(size: 1_000)
            try await object.put(into: store)
            let listed = try await pages(of: store, limit: 1_000).first { $0.key == object.key }
            let info = try requireValue(listed, "the object")
            let head = try await store.head(object.key)
            try requireEqual(info.size, head.size, "size")
            try requireEqual(info.etag, head.etag, "ETag")
            if store.capabilities.features.contains(.listsMetadata) { try requireEqual(info.metadata, head.metadata, "metadata") }
            try await store.delete(object.key)
        },
    ]

    /// All pages, up to the first one that is not full. Fails instead of looping forever.
    private static func pages(of store: any ObjectStore, limit: Int) async throws -> [ObjectInfo] {
        var all: [ObjectInfo] = []
        while true {
            let page = try await store.list(after: all.last?.key, limit: limit)
            try require(page.count <= limit, "a page has \(page.count) objects, more than \(limit)")
            if let last = all.last, let first = page.first {
                try require(last.key.precedes(first.key), "a page begins at \(first.key), not behind \(last.key)")
            }
            all += page
            if page.count < limit { return all }
        }
    }
}
