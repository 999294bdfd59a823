import Synchronization

/// The state of a database, readable from any thread.
final class RedisStatus: Sendable {
    struct Content {
        var isConnected = false
        var isTracking = false
        var serverVersion: String?
    }

    private let content = Mutex(Content())

    var current: Content { content.withLock { $0 } }

    func update(_ change: (inout Content) -> Void) {
        content.withLock { change(&$0) }
    }
}
