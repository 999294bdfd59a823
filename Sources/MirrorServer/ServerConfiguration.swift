/// What the HTTP server bears: the section `server` of the configuration, whose keys are the names of the properties.
package struct ServerConfiguration: Sendable, Equatable {
    package static let defaults = ServerConfiguration()

    package var maxConnections = 10_000
    /// Of one client: an IPv4 address, or a network of 64 bits of IPv6; one of 48 bits has three times as many. `nil` is a quarter of
    /// ``maxConnections``.
    package var maxConnectionsPerAddress: Int?
    /// How long a client may ask for nothing, and take nothing of what it was sent, before its connection is closed.
    package var idleTimeout: Duration = .seconds(75)
    /// How long a client may take for a request's body, besides a second for each 16 KiB of it.
    package var bodyTimeout: Duration = .seconds(30)
    /// Of one request's head.
    package var maxHeaderBytes: Int64 = 32 << 10
    /// Whether connections to the main listener begin with a header of the PROXY protocol, and come from trusted proxies alone.
    package var proxyProtocol = false
    /// What answers under way have to end in.
    package var shutdownGrace: Duration = .seconds(30)

    var connectionsPerAddress: Int { maxConnectionsPerAddress ?? max(1, maxConnections / 4) }
}
