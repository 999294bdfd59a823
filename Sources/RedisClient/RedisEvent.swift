package import NIOCore

/// A message that the servers send without a request.
///
/// Events are delivered in the order in which they arrive, between the answers to commands: an answer that was sent before a change is
/// delivered before the event of that change.
package enum RedisEvent: Sendable {
    /// A connection is made, and its subscriptions and tracking are in force: earlier events may have been missed. Delivered before
    /// the answer to any command that is sent over it.
    case connected
    /// A connection was lost, and is being restored.
    case disconnected(RedisError)
    /// A message was published.
    case message(channel: String, payload: ByteBuffer)
    /// Keys that were read with `isTracked` changed, expired, or were evicted, or the server lost track of them.
    case invalidated(keys: [String])
    /// The server has lost all data (`FLUSHALL`, `FLUSHDB`), or all of its tracking.
    case flushed
}
