/// The limits of the HTTP server: the section `server` of the configuration, whose keys are the names of the properties.
package struct ServerConfiguration: Sendable, Equatable {
    package static let defaults = ServerConfiguration()

    package var maxConnections = 10_000
    /// Per client: an IPv4 address, or an IPv6 /64; an IPv6 /48 may have three times as many. `nil` is a quarter of
    /// ``maxConnections``.
    package var maxConnectionsPerAddress: Int?
    /// Answers of one origin that are passed on to clients at a time.
    package var maxRelays = 96
    /// Of these, and of the objects of one service that the mirror itself sends; per client, as for ``maxConnectionsPerAddress``. `nil` is a quarter.
    package var maxRelaysPerAddress: Int?
    /// How long a client may neither send a request nor read what it was sent before its connection is closed.
    package var idleTimeout: Duration = .seconds(75)
    /// How long a client may take to send a request's body, plus a second for each 16 KiB of it.
    package var bodyTimeout: Duration = .seconds(30)
    /// Per request head.
    package var maxHeaderBytes: Int64 = 32 << 10
    /// Whether connections to the main listener begin with a PROXY protocol header, and are accepted only from trusted proxies.
    package var proxyProtocol = false
    /// How long answers in progress may take to end at shutdown.
    package var shutdownGrace: Duration = .seconds(30)

    /// Connections to one origin, of which three quarters may be for answers that are passed on: pages need some as well.
    package var connectionsPerOrigin: Int { (4 * maxRelays + 2) / 3 }

    var connectionsPerAddress: Int { maxConnectionsPerAddress ?? max(1, maxConnections / 4) }
}
