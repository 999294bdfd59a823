import Synchronization

/// How a ``FakeOrigin`` answers one request. Begin with one of the `static` members and change what a test needs with ``with(_:)``:
/// ```swift
/// origin.on("/a.bin", .generated(size: 5 << 30, seed: 1).with { $0.truncateAfter = 1 << 20 })
/// ```
package struct FakeBehavior: Sendable {
    package var status = 200
    /// Sent as they are, beside those that the behavior adds: `Content-Length`, `ETag`, `Accept-Ranges`, `Content-Range`.
    package var headers: [(name: String, value: String)] = []
    package var body = FakeBody.bytes([])
    /// With its quotes.
    package var etag: String?
    package var framing = Framing.length
    /// Whether `Range` is heeded; `If-Match` and `If-None-Match` always are.
    package var acceptsRanges = true
    /// What `Content-Length` claims instead of the truth. After a body that is shorter or longer the connection closes.
    package var statedLength: Int64?
    /// Closes the connection after so many bytes of the body.
    package var truncateAfter: Int64?
    /// Waits after so many bytes of the body until the gate opens.
    package var stall: (after: Int64, gate: FakeGate)?
    /// Waits before the head of the response until the gate opens.
    package var gate: FakeGate?
    /// Bytes of one write, at most.
    package var chunkSize = 64 << 10
    /// Between the writes of a slow drip.
    package var pause: Duration?
    /// Closes the connection instead of answering.
    package var hangsUp = false
    /// Sent instead of all that the rest describes; the connection closes after it.
    package var raw: [UInt8]?

    package enum Framing: Sendable {
        case length, chunked
        /// An HTTP/1.0 answer that ends where the connection ends.
        case untilClose
    }

    package init() {}

    package func with(_ change: (inout FakeBehavior) -> Void) -> FakeBehavior {
        var copy = self
        change(&copy)
        return copy
    }

    package static func body(_ bytes: [UInt8], etag: String? = "\"v1\"", type: String = "application/octet-stream") -> FakeBehavior {
        FakeBehavior().with {
            $0.body = .bytes(bytes)
            $0.etag = etag
            $0.headers = [("Content-Type", type)]
        }
    }

    package static func text(_ text: String, etag: String? = "\"v1\"") -> FakeBehavior {
        body(Array(text.utf8), etag: etag, type: "text/plain")
    }

    /// See ``FakeBody/generated(size:seed:)``; the ETag names size and seed.
    package static func generated(size: Int64, seed: UInt64 = 1) -> FakeBehavior {
        body([], etag: "\"\(size)-\(seed)\"").with { $0.body = .generated(size: size, seed: seed) }
    }

    package static func status(_ status: Int, _ text: String = "") -> FakeBehavior {
        body(Array(text.utf8), etag: nil, type: "text/plain").with {
            $0.status = status
            $0.acceptsRanges = false
        }
    }

    package static func redirect(to location: String, status: Int = 302) -> FakeBehavior {
        FakeBehavior.status(status).with { $0.headers.append(("Location", location)) }
    }

    package static var hangUp: FakeBehavior { FakeBehavior().with { $0.hangsUp = true } }
}

extension [FakeBehavior] {
    /// Fails `times` times, then does what `behavior` says.
    package static func failing(_ times: Int, status: Int = 503, then behavior: FakeBehavior) -> [FakeBehavior] {
        Array(repeating: .status(status, "not now"), count: times) + [behavior]
    }
}

/// A gate that a response of a ``FakeOrigin`` waits at until the test opens it, for good.
package final class FakeGate: Sendable {
    private struct State {
        var isOpen = false
        var waiting = 0
    }

    private let state: WatchedState<State>

    package init() {
        state = WatchedState(State())
    }

    package func open() {
        state.change { $0.isOpen = true }
    }

    /// - Throws: `CancellationError` when the origin stops.
    package func wait() async throws {
        state.change { $0.waiting += 1 }
        defer { state.change { $0.waiting -= 1 } }
        try await state.value { $0.isOpen ? () : nil }
    }

    /// How many responses wait here.
    package var waitingCount: Int { state.current.waiting }

    /// Returns once `count` responses wait here.
    package func waiting(_ count: Int = 1) async throws {
        try await state.value { $0.waiting >= count ? () : nil }
    }
}

/// A value behind a lock that tasks can wait for.
final class WatchedState<State: Sendable>: Sendable {
    private struct Held {
        var state: State
        var watchers: [Int: Watcher] = [:]
        var nextID = 0
    }

    private struct Watcher {
        /// Resumes its task and says so when the state is what it waits for.
        let isDone: @Sendable (State) -> Bool
        let cancel: @Sendable () -> Void
    }

    private let held: Mutex<Held>

    init(_ state: State) {
        held = Mutex(Held(state: state))
    }

    var current: State { held.withLock { $0.state } }

    @discardableResult
    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        held.withLock { held in
            let result = body(&held.state)
            // Resuming only schedules the task, so it is safe under the lock.
            for (id, watcher) in held.watchers where watcher.isDone(held.state) { held.watchers[id] = nil }
            return result
        }
    }

    /// What `read` gives as soon as it is not `nil`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func value<Value: Sendable>(_ read: @escaping @Sendable (State) -> Value?) async throws -> Value {
        let id = held.withLock { held in
            held.nextID += 1
            return held.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
                held.withLock { held in
                    if Task.isCancelled {
                        continuation.resume(throwing: CancellationError())
                    } else if let value = read(held.state) {
                        continuation.resume(returning: value)
                    } else {
                        held.watchers[id] = Watcher(
                            isDone: { state in
                                guard let value = read(state) else { return false }
                                continuation.resume(returning: value)
                                return true
                            },
                            cancel: { continuation.resume(throwing: CancellationError()) })
                    }
                }
            }
        } onCancel: {
            held.withLock { $0.watchers.removeValue(forKey: id) }?.cancel()
        }
    }
}
