import Logging
import NIOCore
import NIOSSL

/// What all parts of one database share.
struct RedisContext: Sendable {
    let configuration: RedisConfiguration
    /// Everything happens on it.
    let loop: any EventLoop
    let tls: NIOSSLContext?
    let outbox: Outbox
    let status: RedisStatus
    let logger: Logger
    let onEvent: RedisDatabase.EventHandler
}
