package import NIOCore

/// What the servers told without being asked.
///
/// Events come in the order in which they came over the wire, between the answers to commands: an answer that was sent before a change is
/// handed out before the event of that change.
package enum RedisEvent: Sendable {
    /// A connection stands, its subscriptions and tracking are in force: whatever was to be told before may have been missed. Comes before
    /// the answer to any command that is sent over it.
    case connected
    /// A connection is lost. Another one is being sought.
    case disconnected(RedisError)
    /// A message was published.
    case message(channel: String, payload: ByteBuffer)
    /// Keys that were read with `isTracked` changed, expired, or were evicted, or the server lost track of them.
    case invalidated(keys: [String])
    /// The server holds nothing any more (`FLUSHALL`, `FLUSHDB`), or can track nothing any more.
    case flushed
}
