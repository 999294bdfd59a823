package import Logging
package import MirrorCore
package import MirrorEngine
package import MirrorNet
package import MirrorServer
package import MirrorSettings
package import NIOSSL
import StorageLocal

/// Everything that can be set, with the defaults that hold without a configuration file.
///
/// `Configuration(services:)` is the zero configuration: one pool `local/dev` under the state directory, any public HTTPS origin, no admin token but the local one.
package struct Configuration: Sendable, Equatable {
    /// The kinds of storage that there are.
    package let services: StorageServices
    /// Where the settings come from.
    package var source: Source = .zeroConfiguration
    /// What is legal but worth a word in the log; filled by reading a file.
    package var warnings: [SettingsProblem] = []
    /// Whether to write one line `ready <URL>` to standard output once requests are accepted; set by `serve --print-ready`.
    package var printsReady = false

    package var listen = ListenAddress(host: "127.0.0.1", port: 8_080)
    /// How clients reach this service, without a slash at the end; `nil` means that it is derived from ``listen``.
    package var publicURL: String?
    package var tls: TLS?
    package var admin = Admin()
    package var origins = Origins()
    /// In the order of the file; at least one.
    package var pools: [Pool]
    package var redirect = RedirectConfiguration.defaults
    package var copy = CopyConfiguration.defaults
    package var state: State
    /// Where this service keeps what is its own: an absolute path.
    package var stateDirectory: String
    package var selection: PoolSelector
    package var sweep = Sweep()
    package var server = ServerConfiguration.defaults
    package var log = Log()

    /// The zero configuration.
    ///
    /// - Parameter stateDirectory: An absolute path.
    package init(services: StorageServices, stateDirectory: String = Configuration.defaultStateDirectory()) {
        self.services = services
        self.stateDirectory = stateDirectory
        pools =
            PoolID("local/dev").map {
                [
                    Pool(
                        id: $0, LocalPoolSettings(directory: "\(stateDirectory)/pools/dev"), of: LocalService.self,
                        retention: Retention(maxBytes: .shareOfDisk))
                ]
            } ?? []
        state = .sqlite(path: "\(stateDirectory)/state.sqlite")
        selection = PoolSelector(fallback: pools.first?.id)
    }

    /// Whether no file was given.
    package var isZeroConfiguration: Bool { source == .zeroConfiguration }

    /// Whether other processes can use the same state.
    package var isStateShared: Bool {
        switch state {
        case .redis: true
        case .sqlite: false
        }
    }

    package func pool(_ id: PoolID) -> Pool? { pools.first { $0.id == id } }

    /// Leaves all copying to processes that are there for it.
    package mutating func leaveCopying() { copy.frontEnd = .never }
}

extension Configuration {
    package enum Source: Sendable, Equatable {
        case zeroConfiguration
        /// The path as it was given.
        case file(String)
    }

    /// The certificate that the listeners present.
    package struct TLS: Sendable, Equatable, CustomReflectable {
        /// Path of a PEM file: the certificate, then its chain.
        package var certificate: String
        /// Path of a PEM file.
        package var key: String
        /// What is in the files.
        package var chain: [NIOSSLCertificate]
        package var privateKey: NIOSSLPrivateKey

        package var customMirror: Mirror { Mirror(self, children: []) }

        /// TLS 1.2 at least: RFC 8996 deprecates what came before.
        var server: TLSConfiguration {
            var server = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
            server.minimumTLSVersion = .tlsv12
            return server
        }
    }

    /// Who may purge, warm and look.
    package struct Admin: Sendable, Equatable {
        /// `nil` means the same listener as everything else.
        package var listen: ListenAddress?
        /// From `tokens` and `tokensFile`.
        package var tokens: [Secret] = []
        /// Whether the service makes up another one, for commands on this machine (``LocalAdminToken``).
        package var localToken = true
    }

    /// What may be fetched.
    package struct Origins: Sendable, Equatable {
        /// Only the zero configuration allows any public origin.
        package var allow: [EgressPolicy.AllowRule] = [.anyPublic]
        /// What is read with credentials of the mirror's own; allowed without a rule.
        package var buckets: [Origin] = []
        package var requireHTTPS = true
        /// Networks that the address guard would refuse.
        package var allowAddresses: [IPNetwork] = []
        /// 0...20
        package var maxRedirects = 10
    }

    /// How long a replica is worth keeping.
    package struct Retention: Sendable, Equatable {
        /// Counted from the last use.
        package var timeToLive: Duration = .seconds(24 * 3_600)
        package var maxBytes = MaxBytes.none
        /// What stays free on the file system of a local pool.
        package var minFreeBytes: Int64 = 64 << 20
        /// Between the mark and the deletion.
        package var grace: Duration = .seconds(60)

        /// What a pool may hold.
        package enum MaxBytes: Sendable, Equatable {
            case none
            case bytes(Int64)
            /// A share of the file system: of a local pool for which nothing else is said. See ``Configuration/maxBytes(of:)``.
            case shareOfDisk
        }
    }

    /// Where replicas and copy jobs are recorded.
    package enum State: Sendable, Equatable {
        case sqlite(path: String)
        case redis(Redis)
    }

    /// A Redis that many processes share.
    package struct Redis: Sendable, Equatable {
        /// Holds the password, where there is one.
        package var url: Secret
        /// In front of every key; letters, digits, `-`, `_`, `.`, `:`.
        package var prefix = "cloud-mirror"
        package var password: Secret?
        package var sentinelPassword: Secret?
        /// Path of a PEM file with the authorities that servers are checked against; `nil` is the system's.
        package var authority: String?
        /// Until a call is given up.
        package var timeout: Duration = .milliseconds(200)
        /// How long hot redirects go on from memory while Redis cannot be reached.
        package var staleLife: Duration = .seconds(3_600)
    }

    package struct Sweep: Sendable, Equatable {
        package var interval: Duration = .seconds(60)
    }

    package struct Log: Sendable, Equatable {
        package var level: Logger.Level = .info
        package var format: Format = .auto

        package enum Format: String, Sendable, CaseIterable {
            /// Text on a terminal, JSON elsewhere.
            case auto, text, json
        }
    }
}
