import MirrorCore
import MirrorStorage

extension ObjectStoreSuite {
    static let uploadFailure: [Case] = [
        Case("an aborted upload leaves nothing behind") { store in
            let object = try SampleObject(size: 1_000)
            let upload = try await begin(object, in: store)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 1_000), from: ByteStream(object.bytes))
            await upload.abort()
            try await store.requireAbsent(object.key, "after abort")
            try await requireThrows(StorageError.self, "complete after abort") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            try await store.requireAbsent(object.key, "after complete")
        },
        Case("abort may be called twice, and before anything was written") { store in
            let object = try SampleObject(size: 1_000)
            let upload = try await begin(object, in: store)
            await upload.abort()
            await upload.abort()
            try await store.requireAbsent(object.key, "after abort")
        },
        Case("abort does not undo a completed upload") { store in
            let object = try SampleObject(size: 1_000)
            let upload = try await begin(object, in: store)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 1_000), from: ByteStream(object.bytes))
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            await upload.abort()
            try await store.requireHolds(object)
            try await store.delete(object.key)
        },
        Case("an aborted upload leaves the object that was there before") { store in
            let first = try SampleObject(size: 1_000)
            try await first.put(into: store)
            let second = first.replaced(size: 900, seed: 3)
            let upload = try await begin(second, in: store)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 900), from: ByteStream(second.bytes))
            await upload.abort()
            try await store.requireHolds(first)
            try await store.delete(first.key)
        },
        Case("abort works in a cancelled task") { store in
            let object = try SampleObject(size: 1_000)
            let upload = try await begin(object, in: store)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await upload.abort() }
                group.cancelAll()
            }
            try await requireThrows(StorageError.self, "write after abort") {
                _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 1_000), from: ByteStream(object.bytes))
                return try await upload.complete(size: object.size, sha256: object.sha256)
            }
            try await store.requireAbsent(object.key, "after abort")
        },
        Case("a part that failed may be written again, and the last write counts") { store in
            let object = try SampleObject(size: Int(store.samplePartSize) + 50_000)
            let wrong = object.replaced(size: Int(object.size), seed: 77)
            let parts = store.parts(of: object)
            let upload = try await begin(object, in: store)
            let half = ByteStream(chunks: [try wrong.slice(0, store.samplePartSize / 2)], failure: BrokenStream())
            try await requireThrows(BrokenStream.self, "a part whose stream broke") { try await upload.write(parts[0], from: half) }
            for part in parts { _ = try await upload.write(part, from: object.stream(part)) }
            try await store.finish(upload, of: object)
        },
        Case("a part of unknown length that failed may be written shorter") { store in
            let object = try SampleObject(size: 600_000)
            let short = object.replaced(size: 1_000, seed: 5)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
            let part = UploadPart(number: 0, offset: 0, length: nil)
            try await requireThrows(BrokenStream.self, "a part whose stream broke") {
                try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: BrokenStream()))
            }
            _ = try await upload.write(part, from: short.stream(part))
            _ = try await upload.complete(size: short.size, sha256: short.sha256)
            try await store.requireHolds(short)
            try await store.delete(object.key)
        },
        Case("a stream that is shorter or longer than its part throws invalidRequest") { store in
            let object = try SampleObject(size: 1_000)
            let upload = try await begin(object, in: store)
            for length in [999, 1_001] as [Int64] {
                try await requireStorageError(.invalidRequest, "1000 bytes for a part of \(length)") {
                    try await upload.write(UploadPart(number: 0, offset: 0, length: length), from: ByteStream(object.bytes))
                }
            }
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 1_000), from: ByteStream(object.bytes))
            try await store.finish(upload, of: object)
        },
        Case("complete with a different size than was written throws invalidRequest and publishes nothing") { store in
            for size in [0, 999, 1_001] as [Int64] {
                let object = try SampleObject(size: 1_000)
                let upload = try await begin(object, in: store)
                _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 1_000), from: ByteStream(object.bytes))
                try await requireStorageError(.invalidRequest, "complete with \(size) bytes") {
                    try await upload.complete(size: size, sha256: object.sha256)
                }
                await upload.abort()
                try await store.requireAbsent(object.key, "after complete")
            }
        },
        Case("complete without one of the parts throws invalidRequest and publishes nothing") { store in
            let object = try SampleObject(size: Int(store.samplePartSize) * 2 + 5)
            let upload = try await begin(object, in: store)
            let parts = store.parts(of: object)
            let missing = store.capabilities.features.contains(.parallelParts) ? parts.count / 2 : parts.count - 1
            for part in parts where part.number != missing { _ = try await upload.write(part, from: object.stream(part)) }
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            await upload.abort()
            try await store.requireAbsent(object.key, "after complete")
        },
        Case("complete without a part that failed throws invalidRequest and publishes nothing") { store in
            // Chunks long enough that a store has written the first one when the stream breaks.
            let object = try SampleObject(size: 400_000)
            let chunks = [try object.slice(0, 200_000), try object.slice(200_000, 200_000)]
            for size in [200_000, 400_000] as [Int64] {
                let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
                try await requireThrows(BrokenStream.self, "a part whose stream broke") {
                    try await upload.write(
                        UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(chunks: chunks, failure: BrokenStream()))
                }
                try await requireStorageError(.invalidRequest, "complete with \(size) bytes") {
                    try await upload.complete(size: size, sha256: object.sha256)
                }
                await upload.abort()
                try await store.requireAbsent(object.key, "after complete")
            }
        },
    ]

    private static func begin(_ object: SampleObject, in store: any ObjectStore) async throws -> any ObjectUpload {
        try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
    }
}
