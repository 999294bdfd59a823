package import MirrorCore

/// Gives up on a store that does not answer: short calls after a limit, transfers when they no longer get on.
///
/// What is given up is cancelled and waited for. `abort` has no limit: it must outlive the cancellation that often causes it.
package struct TimeoutStore: StoreLayer {
    package struct Limits: Sendable, Hashable {
        /// For calls without a body, and until a body begins.
        package var call: Duration
        /// For `complete`, in which services put large objects together.
        package var complete: Duration
        /// For a part that is in memory: from its first byte to the service's answer.
        package var part: Duration
        /// For a copy that the service makes by itself, which says nothing until it is done.
        package var copy: Duration
        /// For a body: without a single chunk.
        package var idle: Duration

        package init(
            call: Duration = .seconds(15), complete: Duration = .seconds(300), part: Duration = .seconds(300),
            copy: Duration = .seconds(3_600),
            idle: Duration = .seconds(60)
        ) {
            self.call = call
            self.complete = complete
            self.part = part
            self.copy = copy
            self.idle = idle
        }
    }

    package let base: any ObjectStore
    private let time: TimeLimits

    package init(_ base: any ObjectStore, limits: Limits = Limits(), clock: any MonotonicClock = SystemClock()) {
        self.base = base
        time = TimeLimits(limits: limits, clock: clock)
    }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await time.limitCall("timeout.head") { [base] in try await base.head(key) }
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        var content = try await time.limitCall("timeout.get") { [base] in try await base.get(key, range: range) }
        content.body = time.limitBody("timeout.get", content.body)
        return content
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        let upload = try await time.limitCall("timeout.beginUpload") { [base] in
            try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize)
        }
        return TimeLimitedUpload(base: upload, time: time)
    }

    package func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        try await time.limitCall("timeout.openFile") { [base] in try await base.openFile(key) }
    }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await time.limit("timeout.copy", time.limits.copy) { [base] in
            try await base.copy(key, from: source, metadata: metadata, condition: condition)
        }
    }

    package func delete(_ key: ObjectKey) async throws {
        try await time.limitCall("timeout.delete") { [base] in try await base.delete(key) }
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await time.limitCall("timeout.delete") { [base] in try await base.delete(keys) }
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await time.limitCall("timeout.list") { [base] in try await base.list(after: after, limit: limit) }
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try await time.limitCall("timeout.location") { [base] in try await base.location(of: key, life: life) }
    }

    package func checkHealth() async throws {
        try await time.limitCall("timeout.checkHealth") { [base] in try await base.checkHealth() }
    }

    package func space() async throws -> StoreSpace? {
        try await time.limitCall("timeout.space") { [base] in try await base.space() }
    }
}

private struct TimeLimitedUpload: UploadLayer {
    let base: any ObjectUpload
    let time: TimeLimits

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        if body.chunks != nil {
            return try await time.limit("timeout.write", time.limits.part) { [base] in try await base.write(part, from: body) }
        }
        let progress = TransferProgress()
        let noted = ByteStream(NotedStream(base: body, progress: progress))
        let (limit, clock) = (time.limits.idle, time.clock)
        return try await withAlarm(
            "timeout.write", "part \(part.number) did not get on for \(limit)",
            alarm: { try await progress.idle(for: limit, clock: clock) }
        ) { [base] in
            try await base.write(part, from: noted)
        }
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        let body = try await time.limitCall("timeout.read") { [base] in try await base.read(range) }
        return time.limitBody("timeout.read", body)
    }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try await time.limit("timeout.complete", time.limits.complete) { [base] in
            try await base.complete(size: size, sha256: sha256, condition: condition)
        }
    }
}

private struct TimeLimits: Sendable {
    let limits: TimeoutStore.Limits
    let clock: any MonotonicClock

    func limitCall<Value: Sendable>(_ operation: String, _ call: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await limit(operation, limits.call, call)
    }

    func limit<Value: Sendable>(
        _ operation: String, _ limit: Duration, _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withAlarm(operation, "no answer within \(limit)", alarm: { [clock] in try await clock.sleep(for: limit) }, call)
    }

    func limitBody(_ operation: String, _ body: ByteStream) -> ByteStream {
        ByteStream(LimitedStream(body, limit: limits.idle, clock: clock, operation: operation))
    }
}
