package import Logging
package import MirrorCore
package import MirrorEngine
package import MirrorServer
package import MirrorSettings
package import MirrorTracing
import StorageLocal

/// All settings, with the defaults that apply without a configuration file.
///
/// `Configuration(services:)` is the zero configuration: one pool `local/dev` in the state directory, any public HTTPS origin, the local admin token.
package struct Configuration: Sendable, Equatable {
    /// The available kinds of storage.
    package let services: StorageServices
    /// Where the settings come from.
    package var source: Source = .zeroConfiguration
    /// What is valid but should be logged as a warning; set when a file is read.
    package var warnings: [SettingsProblem] = []
    /// Whether to write one line `ready <URL>` to standard output once requests are accepted; set by `serve --print-ready`.
    package var printsReady = false

    package var listen = ListenAddress(host: "127.0.0.1", port: 8_080)
    /// How clients reach this service, without a trailing slash; `nil` means that it is derived from ``listen``.
    package var publicURL: String?
    package var tls: TLS?
    package var admin = Admin()
    package var origins = Origins()
    /// In the order of the file; at least one.
    package var pools: [Pool]
    package var redirect = RedirectConfiguration.defaults
    package var copy = CopyConfiguration.defaults
    package var state: State
    /// Where this service keeps its own files: an absolute path.
    package var stateDirectory: String
    package var selection: SelectionConfiguration
    package var retention = Retention()
    package var sweep = Sweep()
    package var server = ServerConfiguration.defaults
    package var log = Log()
    /// `nil` if nothing is traced.
    package var tracing: TracingConfiguration?

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
                        retention: RetentionConfiguration(maxBytes: .shareOfDisk))
                ]
            } ?? []
        state = .sqlite(path: "\(stateDirectory)/state.sqlite")
        selection = SelectionConfiguration(fallback: pools.first?.id)
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

    /// Leaves all copying to copiers.
    package mutating func leaveCopying() { copy.frontEnd = .never }
}

extension Configuration {
    package enum Source: Sendable, Equatable {
        case zeroConfiguration
        /// The path as it was given.
        case file(String)
    }

    package struct Sweep: Sendable, Equatable {
        package var interval: Duration = .seconds(60)
    }

    package struct Log: Sendable, Equatable {
        package var level: Logger.Level = .info
        package var format: Format = .auto
        /// Where requests for artifacts are written to, if anywhere.
        package var redirects: Place?

        package enum Place: Sendable, Equatable {
            case file(String)
            case standardOutput
        }

        package enum Format: String, Sendable, CaseIterable {
            /// Text on a terminal, JSON elsewhere.
            case auto, text, json
        }
    }
}
