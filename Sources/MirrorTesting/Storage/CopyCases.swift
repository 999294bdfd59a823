import MirrorCore
public import MirrorStorage

/// A store with server-side copies, and another bucket of the same service to copy from.
public struct CopyingStore: Sendable {
    /// The store to copy into.
    public var store: any ObjectStore
    /// Puts an object into the other bucket, and returns its description.
    public var makeSource: @Sendable (SampleObject) async throws -> CopySource

    public init(store: any ObjectStore, makeSource: @escaping @Sendable (SampleObject) async throws -> CopySource) {
        self.store = store
        self.makeSource = makeSource
    }
}

/// What a store with `StoreCapabilities.Features.serverSideCopy` must do in addition to ``ObjectStoreSuite``.
public enum CopySuite {
    /// A case runs with a store and its source.
    public typealias Case = ConformanceCase<CopyingStore>

    /// - Parameter largest: Bytes of the largest object to copy; the store must copy it in parts.
    public static func cases(largest: Int) -> [Case] {
        [
            Case("a copy is the object that an upload of the same bytes would be") { subject in
                var object = try SampleObject("a file (1)+ü%25.tar.gz", size: 1_000_003)
                object.metadata.contentType = "application/x-source"
                let source = try await subject.makeSource(object)
                let store = subject.store
                try require(store.capabilities.features.contains(.serverSideCopy), "the store does not say that it copies")
                try require(store.canCopy(from: source), "the store says that it cannot copy \(source)")
                let metadata = ObjectMetadata(
                    contentType: "text/x-copy", contentEncoding: "gzip", contentDisposition: "attachment; filename=\"a b.txt\"",
                    upstreamURL: "https://origin.example.org/a%20b", upstreamETag: "\"e\"", upstreamContentLength: 1_000_003,
                    upstreamLastModified: Timestamp(milliseconds: 0), stored: Timestamp(milliseconds: 1_712_345_678_901),
                    addresses: ["https://origin.example.org/a%20b"])
                let info = try await store.copy(object.key, from: source, metadata: metadata, condition: .none)
                try requireEqual(info.key, object.key, "key")
                try requireEqual(info.size, object.size, "size")
                try requireEqual(info.metadata, metadata, "metadata")
                try requireEqual(try await store.head(object.key).metadata, metadata, "metadata of head")
                try requireEqual(try await store.head(object.key).etag, info.etag, "ETag")
                try await store.requireHolds(object)
                try await store.delete(object.key)
            },
            Case("an object that is copied in parts is complete") { subject in
                var object = try SampleObject(size: largest)
                object.metadata.contentType = "application/x-large"
                let source = try await subject.makeSource(object)
                let info = try await subject.store.copy(object.key, from: source, metadata: object.metadata, condition: .absent)
                try requireEqual(info.size, object.size, "size")
                try requireEqual(info.metadata.contentType, "application/x-large", "content type")
                try await subject.store.requireHolds(object)
                try await subject.store.delete(object.key)
            },
            Case("a copy is returned with the digest that it was given") { subject in
                for size in [1_000, largest] {
                    var object = try SampleObject(size: size)
                    object.metadata.sha256 = try object.sha256
                    let source = try await subject.makeSource(object)
                    let info = try await subject.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
                    try requireEqual(info.metadata.sha256, object.metadata.sha256, "digest of a copy of \(size) bytes")
                    try requireEqual(try await subject.store.head(object.key).metadata.sha256, object.metadata.sha256, "digest of head")
                    try await subject.store.requireHolds(object)
                    try await subject.store.delete(object.key)
                }
            },
            Case("an object without bytes can be copied") { subject in
                let object = try SampleObject(size: 0)
                let source = try await subject.makeSource(object)
                _ = try await subject.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
                try await subject.store.requireHolds(object)
                try await subject.store.delete(object.key)
            },
            Case("a copy of an absent object throws notFound and leaves nothing behind") { subject in
                for size in [1_000, largest] {
                    let object = try SampleObject(size: 1_000)
                    var source = try await subject.makeSource(object)
                    source.key += "-not"
                    source.size = Int64(size)
                    source.etag = nil
                    try await requireStorageError(.notFound, "copy of \(size) bytes") { [source] in
                        try await subject.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
                    }
                    try await subject.store.requireAbsent(object.key, "after copy")
                }
            },
            Case("a copy of an object that has changed throws preconditionFailed and leaves nothing behind") { subject in
                for size in [1_000, largest] {
                    let object = try SampleObject(size: size)
                    var source = try await subject.makeSource(object)
                    _ = try requireValue(source.etag, "the source's ETag")
                    source.etag = "\"00000000000000000000000000000000\""
                    try await requireStorageError(.preconditionFailed, "copy of \(size) bytes") { [source] in
                        try await subject.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
                    }
                    try await subject.store.requireAbsent(object.key, "after copy")
                }
            },
            Case("a copy whose size is not the stated one is not published") { subject in
                let object = try SampleObject(size: 1_000)
                var source = try await subject.makeSource(object)
                source.size = 999
                try await requireThrows(StorageError.self, "copy") { [source] in
                    try await subject.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
                }
                try await subject.store.requireAbsent(object.key, "after copy")
            },
            Case("a copy with the condition absent replaces nothing if the store says so") { subject in
                let first = try SampleObject(size: 1_000)
                try await first.put(into: subject.store)
                let second = first.replaced(size: 900, seed: 1)
                let source = try await subject.makeSource(second)
                if subject.store.capabilities.features.contains(.conditionalWrites) {
                    try await requireStorageError(.preconditionFailed, "copy") {
                        try await subject.store.copy(first.key, from: source, metadata: second.metadata, condition: .absent)
                    }
                    try await subject.store.requireHolds(first)
                } else {
                    _ = try await subject.store.copy(first.key, from: source, metadata: second.metadata, condition: .absent)
                    try await subject.store.requireHolds(second)
                }
                try await subject.store.delete(first.key)
            },
        ]
    }
}
