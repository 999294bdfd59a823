/// How outbound requests are made.
package struct OutboundConfiguration: Sendable {
    /// The limit for one connection with its TLS handshake; after that the next address is tried.
    package var connectTimeout: Duration = .seconds(10)
    /// The limit between two arrivals of bytes while a reader waits for them. There is no limit on the whole transfer.
    package var idleTimeout: Duration = .seconds(60)
    /// Requests to one origin (scheme, host, port) that may be in progress at a time, from sending until the body is read or dropped; others wait.
    package var connectionsPerOrigin = 64
    /// The maximum number of bytes read from a plain connection at a time; TLS records are at most 16 KiB anyway.
    package var receiveBufferSize = 256 << 10
    /// The maximum size in bytes of the head of a response, including the interim responses before it, and of its trailers.
    package var maxResponseHeadSize = 64 << 10
    /// How long an unused connection is kept.
    package var keepAlive: Duration = .seconds(60)
    /// The number of pairs of host and address for which connections may be kept.
    package var maxPinnedHosts = 64
    package var userAgent: String
    /// A file of PEM certificates that are trusted in addition to the system's.
    package var certificateAuthorities: String?

    package init(userAgent: String = "cloud-mirror") {
        self.userAgent = userAgent
    }
}
