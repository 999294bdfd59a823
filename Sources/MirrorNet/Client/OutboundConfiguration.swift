/// How outbound requests are made.
package struct OutboundConfiguration: Sendable {
    /// For one connection with its TLS handshake; the next address is tried after it.
    package var connectTimeout: Duration = .seconds(10)
    /// Between two arrivals of bytes that somebody waits for. There is no limit on the whole.
    package var idleTimeout: Duration = .seconds(60)
    /// Requests to one origin (scheme, host, port) under way at a time, from sending until the body is read or dropped; others wait.
    package var connectionsPerOrigin = 64
    /// Bytes read from a plain connection at a time; TLS comes in records of 16 KiB anyway.
    package var receiveBufferSize = 256 << 10
    /// Bytes of the head of a response together with the interim ones before it, and of its trailers.
    package var maxResponseHeadSize = 64 << 10
    /// How long an unused connection is kept.
    package var keepAlive: Duration = .seconds(60)
    /// Pairs of a host and an address for which connections may be kept.
    package var maxPinnedHosts = 64
    package var userAgent: String
    /// A file of PEM certificates that are trusted besides the system's.
    package var certificateAuthorities: String?

    package init(userAgent: String = "cloud-mirror") {
        self.userAgent = userAgent
    }
}
