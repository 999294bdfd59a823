package import NIOSSL

/// How to reach Redis, and how much it may use.
package struct RedisConfiguration: Sendable {
    package struct Address: Sendable, Hashable, CustomStringConvertible {
        package var host: String
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// An address that a server states.
        ///
        /// - Returns: `nil` if it is neither a host name nor an address.
        init?(told host: String, port: Int) {
            guard (1...65_535).contains(port), (1...253).contains(host.utf8.count), host.utf8.allSatisfy(Self.isHostByte) else {
                return nil
            }
            self.init(host: host, port: port)
        }

        /// For names and addresses, including IPv6 with a zone.
        private static func isHostByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "-._:%".utf8.contains(byte)
            }
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    }

    package enum Topology: Sendable, Hashable {
        /// One server.
        case single
        /// Sentinels know which server is the master of this name.
        case sentinel(master: String)
        /// The keys are spread over the servers of a cluster; the addresses are some of them.
        case cluster
    }

    package static let defaultTimeout: Duration = .milliseconds(200)

    package var topology: Topology
    /// At least one.
    package var addresses: [Address]
    /// `nil` is the default user.
    package var username: String?
    package var password: String?
    /// For sentinels that require a user.
    package var sentinelUsername: String?
    package var sentinelPassword: String?
    package var database: Int = 0
    /// `nil` for no TLS. The certificate of a server is checked against the host name of its address.
    package var tls: TLSConfiguration?
    /// The name of this client in `CLIENT LIST`; letters, digits, `-`, `_`, `.`.
    package var clientName = "cloud-mirror"
    /// Channels that every new connection subscribes to; in a cluster, on the server that has the slot of the channel's name.
    package var channels: [String] = []
    /// For connecting, TLS and the handshake with Redis together.
    package var connectTimeout: Duration = .seconds(1)
    /// How long a command may take before its caller gets ``RedisError/Code/timedOut``. While an answer is overdue, later commands fail at
    /// once with ``RedisError/Code/notConnected``.
    package var commandTimeout: Duration = RedisConfiguration.defaultTimeout
    /// How long a due answer may be missing before the connection is given up.
    package var stallTimeout: Duration = .seconds(2)
    /// How often an idle connection is checked with a PING.
    package var pingInterval: Duration = .seconds(1)
    /// How long a command waits for a connection that is being made.
    package var connectionWait: Duration = RedisConfiguration.defaultTimeout
    /// The pause between attempts to connect: doubled each time up to the limit, half of it at random.
    package var backoff: Duration = .milliseconds(25)
    package var backoffLimit: Duration = .milliseconds(500)
    /// The maximum number of unanswered commands.
    package var maxCommands = 100_000

    package init(topology: Topology = .single, addresses: [Address]) {
        self.topology = topology
        self.addresses = addresses
    }
}
