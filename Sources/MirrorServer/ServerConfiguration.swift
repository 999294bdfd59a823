/// How the HTTP server listens, whom it trusts, and what it bears.
package struct ServerConfiguration: Sendable {
    package struct Address: Sendable, Hashable {
        package var host: String
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    package var listen: Address
    /// How clients reach this service, without a slash at the end; `nil` makes locations of local objects relative.
    package var publicURL: String?
    package var admin: AdminConfiguration
    /// Whether it redirects and serves objects; a process that only copies answers about itself alone.
    package var servesArtifacts: Bool
    /// 302 or 307.
    package var redirectStatus: Int
    package var maxConnections: Int
    /// Of one client: an IPv4 address, or a network of 64 bits of IPv6; one of 48 bits has three times as many.
    package var maxConnectionsPerAddress: Int
    /// How long a client may ask for nothing, and take nothing of what it was sent, before its connection is closed.
    package var idleTimeout: Duration
    /// How long a client may take for a request's body, besides a second for each 16 KiB of it.
    package var bodyTimeout: Duration
    /// Bytes of one request's head.
    package var maxHeaderBytes: Int
    /// What answers under way have to end in.
    package var shutdownGrace: Duration

    /// - Parameter maxConnectionsPerAddress: `nil` is a quarter of `maxConnections`.
    package init(
        listen: Address, publicURL: String? = nil, admin: AdminConfiguration = AdminConfiguration(),
        servesArtifacts: Bool = true, redirectStatus: Int = 302, maxConnections: Int = 10_000, maxConnectionsPerAddress: Int? = nil,
        idleTimeout: Duration = .seconds(75), bodyTimeout: Duration = .seconds(30), maxHeaderBytes: Int = 32_768,
        shutdownGrace: Duration = .seconds(30)
    ) {
        self.listen = listen
        self.publicURL = publicURL
        self.admin = admin
        self.servesArtifacts = servesArtifacts
        self.redirectStatus = redirectStatus
        self.maxConnections = maxConnections
        self.maxConnectionsPerAddress = maxConnectionsPerAddress ?? max(1, maxConnections / 4)
        self.idleTimeout = idleTimeout
        self.bodyTimeout = bodyTimeout
        self.maxHeaderBytes = maxHeaderBytes
        self.shutdownGrace = shutdownGrace
    }
}

/// Who may purge, warm and look inside.
package struct AdminConfiguration: Sendable {
    /// A listener of its own; `nil` shares the main one.
    package var listen: ServerConfiguration.Address?
    package var tokens: [String]

    package init(listen: ServerConfiguration.Address? = nil, tokens: [String] = []) {
        self.listen = listen
        self.tokens = tokens
    }
}

extension AdminConfiguration: CustomStringConvertible, CustomReflectable {
    /// Without the tokens: whatever prints a configuration, such as a log of the services at their start, must not show them.
    package var description: String { "AdminConfiguration(\(tokens.count) tokens)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
