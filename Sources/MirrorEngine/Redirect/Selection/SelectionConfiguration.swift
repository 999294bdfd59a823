package import CloudRegions
package import MirrorCore
package import NamedOrigins

/// How a pool is chosen for a request that names none: the section `selection` of the configuration. Its keys are the property names.
package struct SelectionConfiguration: Sendable, Equatable {
    /// The pool that the clients of a network get.
    package struct Rule: Sendable, Equatable {
        package let network: IPNetwork
        package let pool: PoolID
    }

    /// Which pool the clients of a region without a pool get.
    package enum Nearest: String, Sendable, CaseIterable {
        /// The nearest pool of the same cloud, or else of another.
        case any
        case sameCloud = "same-cloud"
        /// None: those clients are treated like all others.
        case never
    }

    /// Sorted by prefix length, longest first.
    package let networks: [Rule]
    /// The pools of regions, if these are not the pools that are named after the regions.
    package var regions: [CloudRegion: PoolID] = [:]
    package var nearest = Nearest.any
    /// Whether a client can name its pool in the field `X-Cloud-Mirror-Pool`.
    package var poolHeader = false
    /// The default pool; `nil` for the origin.
    package let fallback: PoolID?
    /// The proxies that are trusted to name the client.
    package let trustedProxies: [IPNetwork]
    /// The header in which they name it.
    package var proxyHeader = ProxyHeader.xForwardedFor
    /// How the clients of a network get artifacts of named origins; the longest prefix first.
    package var deliveries: [DeliveryRule] = []
    /// Whether any client can have them sent by the mirror, with the field `X-Cloud-Mirror-Delivery`.
    package var deliveryHeader = false
    package var cloudRegions = CloudRegionSources()

    /// How the clients of a network get artifacts of named origins.
    package struct DeliveryRule: Sendable, Equatable {
        package let network: IPNetwork
        package let delivery: Delivery

        package init(network: IPNetwork, delivery: Delivery) {
            self.network = network
            self.delivery = delivery
        }
    }

    package init(
        networks: [(network: IPNetwork, pool: PoolID)] = [], trustedProxies: [IPNetwork] = [], fallback: PoolID? = nil
    ) {
        self.networks = networks.map { Rule(network: $0.network, pool: $0.pool) }
            .sorted { $0.network.prefixLength > $1.network.prefixLength }
        self.trustedProxies = trustedProxies
        self.fallback = fallback
    }

    /// All pools that the settings name.
    package var pools: Set<PoolID> { Set(networks.map(\.pool) + Array(regions.values) + [fallback].compactMap(\.self)) }
}

/// Where newer lists of the clouds' addresses come from. Without any, the bundled lists are used.
package struct CloudRegionSources: Sendable, Equatable {
    package var aws: Source?
    package var google: Source?
    package var azure: Source?
    /// How often they are fetched.
    package var refresh: Duration = .seconds(86_400)

    package enum Source: Sendable, Hashable, CustomStringConvertible {
        case url(ArtifactURL)
        /// An absolute path.
        case file(String)

        /// `nil` for a file.
        package var fetchURL: ArtifactURL? { if case .url(let url) = self { url } else { nil } }

        package var description: String { fetchURL?.description ?? path ?? "" }

        private var path: String? { if case .file(let path) = self { path } else { nil } }
    }

    package init() {}

    /// The sources that are set.
    package var all: [(cloud: Cloud, source: Source)] {
        [(Cloud.aws, aws), (.google, google), (.azure, azure)].compactMap { cloud, source in source.map { (cloud: cloud, source: $0) } }
    }
}
