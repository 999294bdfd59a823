import MirrorCore
import MirrorStorage

/// A store in memory that takes an object in one part only, as a service does that writes a file with one request.
struct OnePartStore: StoreLayer {
    let base: any ObjectStore

    var capabilities: StoreCapabilities {
        var capabilities = base.capabilities
        capabilities.features.remove(.parallelParts)
        capabilities.maxParts = 1
        return capabilities
    }

    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        OnePartUpload(base: try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize))
    }
}

private struct OnePartUpload: UploadLayer {
    let base: any ObjectUpload

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard part.number == 0, part.offset == 0 else {
            throw StorageError(.invalidRequest, "an object is one part", operation: "onePart.write")
        }
        return try await base.write(part, from: body)
    }
}
