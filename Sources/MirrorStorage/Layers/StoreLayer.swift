package import MirrorCore

/// A layer around a store: forwards every call, and can intercept each of them.
package protocol StoreLayer: ObjectStore {
    var base: any ObjectStore { get }

    /// Makes a call to ``base``, unchanged unless the layer overrides this.
    ///
    /// - Parameter body: The call, which may be made any number of times.
    func call<Value: Sendable>(_ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value

    /// Wraps an upload that was begun.
    func around(_ upload: any ObjectUpload) -> any ObjectUpload

    /// Wraps a body that was opened.
    func around(_ body: ByteStream) -> ByteStream
}

extension StoreLayer {
    package func call<Value: Sendable>(
        _ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await body()
    }

    package func around(_ upload: any ObjectUpload) -> any ObjectUpload { upload }

    package func around(_ body: ByteStream) -> ByteStream { body }

    package var capabilities: StoreCapabilities { base.capabilities }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await call(.head) { [base] in try await base.head(key) }
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        var content = try await call(.get) { [base] in try await base.get(key, range: range) }
        content.body = around(content.body)
        return content
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        around(
            try await call(.beginUpload) { [base] in
                try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize)
            })
    }

    package func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        try await call(.openFile) { [base] in try await base.openFile(key) }
    }

    package func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource? {
        base.copySource(of: key, size: size, etag: etag)
    }

    package func canCopy(from source: CopySource) -> Bool { base.canCopy(from: source) }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await call(.copy) { [base] in try await base.copy(key, from: source, metadata: metadata, condition: condition) }
    }

    package func canPull(from source: URLSource) -> Bool { base.canPull(from: source) }

    package func pull(
        _ key: ObjectKey, from source: URLSource, metadata: ObjectMetadata, condition: WriteCondition,
        confirm: @escaping @Sendable () async throws -> Void
    ) async throws -> ObjectInfo {
        try await call(.pull) { [base] in
            try await base.pull(key, from: source, metadata: metadata, condition: condition, confirm: confirm)
        }
    }

    package func delete(_ key: ObjectKey) async throws {
        try await call(.delete) { [base] in try await base.delete(key) }
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await call(.delete) { [base] in try await base.delete(keys) }
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await call(.list) { [base] in try await base.list(after: after, limit: limit) }
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try await call(.location) { [base] in try await base.location(of: key, life: life) }
    }

    package func checkHealth() async throws {
        try await call(.checkHealth) { [base] in try await base.checkHealth() }
    }

    package func space() async throws -> StoreSpace? {
        try await call(.space) { [base] in try await base.space() }
    }
}

/// A layer around an upload, in the same way. No layer holds back `abort`, because it must outlive the cancellation that often causes it.
package protocol UploadLayer: ObjectUpload {
    var base: any ObjectUpload { get }
    func call<Value: Sendable>(_ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value
    func around(_ body: ByteStream) -> ByteStream
}

extension UploadLayer {
    package func call<Value: Sendable>(
        _ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await body()
    }

    package func around(_ body: ByteStream) -> ByteStream { body }

    package func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try await call(.write) { [base] in try await base.write(part, from: body) }
    }

    package func read(_ range: ByteRange) async throws -> ByteStream {
        around(try await call(.read) { [base] in try await base.read(range) })
    }

    package func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try await call(.complete) { [base] in try await base.complete(size: size, sha256: sha256, condition: condition) }
    }

    package func abort() async {
        await base.abort()
    }
}
