import MirrorCore
import MirrorStorage

extension ObjectStoreSuite {
    static let condition: [Case] = [
        Case("an upload with the condition absent publishes if there is no object") { store in
            let object = try SampleObject(size: 1_000)
            _ = try await put(object, into: store, parts: object.size, condition: .absent)
            try await store.requireHolds(object)
            try await store.delete(object.key)
        },
        Case("an upload with the condition absent replaces nothing if the store says so; otherwise one of the two objects stays, complete")
        {
            store in
            let first = try SampleObject(size: 1_000)
            try await first.put(into: store)
            try await requireNoReplacement(of: first, by: first.replaced(size: 900, seed: 1), parts: 900, in: store)
        },
        Case("an upload of several parts with the condition absent replaces nothing if the store says so") { store in
            let first = try SampleObject(size: 1_000)
            try await first.put(into: store)
            let second = first.replaced(size: Int(store.samplePartSize) + 10, seed: 1)
            try await requireNoReplacement(of: first, by: second, parts: store.samplePartSize, in: store)
        },
        Case("one of several simultaneous uploads with the condition absent publishes, if the store says so") { store in
            let first = try SampleObject(size: 1_000)
            let candidates = (0..<4).map { first.replaced(size: 1_000 + $0, seed: UInt8($0)) }
            let published = try await withThrowingTaskGroup(of: SampleObject?.self) { group in
                for object in candidates {
                    group.addTask {
                        do {
                            _ = try await put(object, into: store, parts: object.size, condition: .absent)
                            return object
                        } catch let error as StorageError where error.code == .preconditionFailed {
                            return nil
                        }
                    }
                }
                var published: [SampleObject] = []
                for try await object in group { if let object { published.append(object) } }
                return published
            }
            if store.capabilities.features.contains(.conditionalWrites) {
                try requireEqual(published.count, 1, "the uploads that published")
                try await store.requireHolds(published[0])
            } else {
                try require(!published.isEmpty, "no upload published")
            }
            try await store.delete(first.key)
        },
        Case("a store without server-side copies says so and throws unsupported; one with them refuses sources out of its reach") { store in
            let object = try SampleObject(size: 10)
            let source = CopySource(
                service: "nowhere", endpoint: "https://storage.example.org", region: "nowhere", bucket: "bucket", key: "a.bin", size: 10
            )
            try requireEqual(store.canCopy(from: source), false, "whether it can copy from another kind of service")
            try await requireStorageError(.unsupported, "copy") {
                try await store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
            }
            try await store.requireAbsent(object.key, "after copy")
        },
        Case("a store without server-side fetches says so and throws unsupported; one with them refuses URLs out of its reach") { store in
            let object = try SampleObject(size: 10)
            let url = try ArtifactURL("http://10.0.0.1/a.bin")
            // No store accepts an object of that size, wherever it is.
            let source = URLSource(url: url, isPublic: false, size: .max, etag: "\"e\"")
            try requireEqual(store.canPull(from: source), false, "whether it can fetch what is out of reach")
            try await requireStorageError(.unsupported, "pull") {
                try await store.pull(object.key, from: source, metadata: object.metadata, condition: .none) {}
            }
            try await store.requireAbsent(object.key, "after pull")
        },
    ]

    private static func requireNoReplacement(
        of first: SampleObject, by second: SampleObject, parts partSize: Int64, in store: any ObjectStore
    ) async throws {
        if store.capabilities.features.contains(.conditionalWrites) {
            try await requireStorageError(.preconditionFailed, "complete") {
                try await put(second, into: store, parts: partSize, condition: .absent)
            }
            try await store.requireHolds(first)
        } else {
            // The store checks beforehand, or not at all.
            do {
                _ = try await put(second, into: store, parts: partSize, condition: .absent)
                try await store.requireHolds(second)
            } catch let error as StorageError where error.code == .preconditionFailed {
                try await store.requireHolds(first)
            }
        }
        try await store.delete(first.key)
    }

    private static func put(
        _ object: SampleObject, into store: any ObjectStore, parts partSize: Int64, condition: WriteCondition
    ) async throws -> ObjectInfo {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        do {
            for part in store.parts(of: object, size: partSize) { _ = try await upload.write(part, from: object.stream(part)) }
            return try await upload.complete(size: object.size, sha256: object.sha256, condition: condition)
        } catch {
            await upload.abort()
            throw error
        }
    }
}
