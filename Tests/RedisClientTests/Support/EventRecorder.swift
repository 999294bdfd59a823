import NIOCore
import Synchronization

@testable import RedisClient

/// Remembers the events of a client in their order, and lets a test wait for one.
final class EventRecorder: Sendable {
    private let past = Mutex<[String]>([])
    private let stream: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    /// As text: `connected`, `message channel payload`, `invalidated key,key`, …
    var all: [String] { past.withLock { $0 } }

    func record(_ event: RedisEvent) {
        let text =
            switch event {
            case .connected: "connected"
            case .disconnected: "disconnected"
            case .message(let channel, let payload): "message \(channel) \(String(buffer: payload))"
            case .invalidated(let keys): "invalidated \(keys.joined(separator: ","))"
            case .flushed: "flushed"
            }
        past.withLock { $0.append(text) }
        continuation.yield(text)
    }

    /// Waits for the next event that is not waited for yet and satisfies a condition; those before it are passed over.
    func next(_ text: String) async {
        for await event in stream where event == text { return }
    }

    /// The next event that is not waited for yet.
    func next() async -> String {
        for await event in stream { return event }
        return "the end"
    }
}
