import MirrorCore
import MirrorStorage
import NIOCore

extension ObjectStoreSuite {
    static let upload: [Case] = [
        Case("an object appears when its upload completes, and never before") { store in
            let object = try SampleObject(size: 1_000)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            try await store.requireAbsent(object.key, "after beginUpload")
            let written = try await upload.write(UploadPart(number: 0, offset: 0, length: 1_000), from: ByteStream(object.bytes))
            try requireEqual(written, 1_000, "what write returned")
            try await store.requireAbsent(object.key, "after the last part")
            let info = try await upload.complete(size: object.size, sha256: object.sha256)
            try requireEqual(info.key, object.key, "key")
            try requireEqual(info.size, object.size, "size")
            try requireEqual(info.metadata.sha256, try object.sha256, "digest")
            try await store.requireHolds(object)
            try await store.delete(object.key)
        },
        Case("an upload of unknown length is stored completely") { store in
            let object = try SampleObject(size: 300_001)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
            let part = UploadPart(number: 0, offset: 0, length: nil)
            try requireEqual(try await upload.write(part, from: object.stream(part)), object.size, "what write returned")
            try await store.finish(upload, of: object)
        },
        Case("parts that are written one after the other make one object") { store in
            let object = try SampleObject(size: Int(store.samplePartSize) * 2 + 17)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            for part in store.parts(of: object) {
                try requireEqual(try await upload.write(part, from: object.stream(part)), part.length, "what write returned")
            }
            try await store.finish(upload, of: object)
        },
        Case("parts may be written at the same time and in any order if the store says so, otherwise in order") { store in
            let object = try SampleObject(size: Int(store.samplePartSize) * 4 + 3)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            try await store.write(store.parts(of: object), of: object, to: upload)
            try await store.finish(upload, of: object)
        },
        Case("a part in memory may be written again, even several parts at once, and the last write counts") { store in
            let object = try SampleObject(size: Int(store.samplePartSize) * 2 + 11)
            let wrong = object.replaced(size: Int(object.size), seed: 50)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let parts = store.parts(of: object)
            let body = try object.stream(parts[0])
            try require(body.chunks != nil, "the stream is not in memory")
            for part in parts { _ = try await upload.write(part, from: wrong.stream(part)) }
            try await store.write(parts, of: object, to: upload)
            // The same stream again, as when a layer retries.
            _ = try await upload.write(parts[0], from: body)
            _ = try await upload.write(parts[0], from: body)
            try await store.finish(upload, of: object)
        },
        Case("a part that comes as a stream is taken in chunks of any length") { store in
            let size = max(store.samplePartSize, 9 << 20)
            let object = try SampleObject(size: Int(size) + 1_000)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            for part in store.parts(of: object, size: size) {
                var rest = try object.slice(part.offset, part.length ?? 0)
                var chunks: [ByteBuffer] = []
                for length in sequence(first: 1, next: { min($0 * 3, 2_000_000) }) where rest.readableBytes > 0 {
                    if let chunk = rest.readSlice(length: min(length, rest.readableBytes)) { chunks.append(chunk) }
                    if rest.readableBytes == 0 { break }
                }
                let written = try await upload.write(part, from: ByteStream(chunks: chunks, failure: nil))
                try requireEqual(written, part.length, "what write returned")
            }
            try await store.finish(upload, of: object)
        },
        Case("written bytes can be read back before the end if the store says so; otherwise read throws unsupported") { store in
            let object = try SampleObject(size: 400_000)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            let range = try requireValue(ByteRange(offset: 100, length: 350_000), "range")
            if store.capabilities.features.contains(.readsUploads) {
                let bytes = try await upload.read(range).collect(upTo: 1 << 20)
                try require(bytes == (try object.slice(100, 350_000)), "the bytes differ")
                let beyond = try requireValue(ByteRange(offset: 399_999, length: 2), "range")
                try await requireStorageError(.invalidRequest, "read of bytes that were not written") {
                    try await upload.read(beyond).collect(upTo: 10)
                }
            } else {
                try await requireStorageError(.unsupported, "read") { try await upload.read(range).collect(upTo: 1 << 20) }
            }
            try await store.finish(upload, of: object)
        },
        Case("a second upload replaces the object") { store in
            let first = try SampleObject(size: 1_000)
            try await first.put(into: store)
            var second = first.replaced(size: 500, seed: 9)
            second.metadata.contentType = "application/x-second"
            try await second.put(into: store)
            try await store.requireHolds(second)
            try requireEqual(try await store.head(second.key).metadata.contentType, "application/x-second", "content type")
            try await store.delete(second.key)
        },
    ]
}
