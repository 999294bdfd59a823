package import MirrorCore

/// Gives up on a store that does not answer: short calls after a limit, transfers when they stall.
///
/// A call that times out is cancelled and awaited. `abort` has no limit, because it must outlive the cancellation that often causes it.
package struct TimeoutStore: StoreLayer {
    package struct Limits: Sendable, Hashable {
        /// The limit for calls without a body, and until a body begins.
        package var call = Duration.seconds(15)
        /// The limit for `complete`, in which services assemble large objects.
        package var complete = Duration.seconds(300)
        /// The limit for a part in memory, from its first byte to the service's answer.
        package var part = Duration.seconds(300)
        /// The limit for a server-side copy, which gives no sign of progress until it is done.
        package var copy = Duration.seconds(3_600)
        /// The limit for a body without a single chunk.
        package var idle = Duration.seconds(60)

        package static let standard = Limits()
    }

    package let base: any ObjectStore
    private let time: TimeLimits

    package init(_ base: any ObjectStore, limits: Limits = .standard, clock: any MonotonicClock = SystemClock()) {
        self.base = base
        time = TimeLimits(limits: limits, clock: clock)
    }

    package func call<Value: Sendable>(
        _ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await time.limit(operation, body)
    }

    package func around(_ upload: any ObjectUpload) -> any ObjectUpload { TimeLimitedUpload(base: upload, time: time) }

    package func around(_ body: ByteStream) -> ByteStream { time.limit(body, "timeout.get") }
}

private struct TimeLimitedUpload: UploadLayer {
    let base: any ObjectUpload
    let time: TimeLimits

    func call<Value: Sendable>(_ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await time.limit(operation, body)
    }

    func around(_ body: ByteStream) -> ByteStream { time.limit(body, "timeout.read") }

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        if body.chunks != nil { return try await call(.write) { [base] in try await base.write(part, from: body) } }
        let progress = TransferProgress()
        let noted = ByteStream(NotedStream(base: body, progress: progress))
        let (limit, clock) = (time.limits.idle, time.clock)
        return try await withAlarm(
            "timeout.write", "part \(part.number) made no progress for \(limit)",
            alarm: { progress.whenIdle(for: limit, clock: clock, $0) }
        ) { [base] in
            try await base.write(part, from: noted)
        }
    }
}

private struct TimeLimits: Sendable {
    let limits: TimeoutStore.Limits
    let clock: any MonotonicClock

    func limit<Value: Sendable>(_ operation: StoreOperation, _ call: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let limit =
            switch operation {
            case .copy, .pull: limits.copy
            case .complete: limits.complete
            case .write: limits.part
            default: limits.call
            }
        return try await withAlarm(
            "timeout.\(operation.name)", "no answer within \(limit)", alarm: { clock.timer(after: limit, $0) }, call)
    }

    func limit(_ body: ByteStream, _ operation: String) -> ByteStream {
        ByteStream(LimitedStream(body, limit: limits.idle, clock: clock, operation: operation))
    }
}
