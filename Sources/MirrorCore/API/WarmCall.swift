/// `POST /v1/warm`: makes copies before they are needed.
package enum WarmCall {
    /// The maximum number of artifacts in one call.
    package static let maxURLs = 10_000
    /// The maximum size of a call's body, in bytes.
    package static let maxBody = 1 << 20

    package struct Request: Codable, Sendable, Equatable {
        /// The URLs of artifacts; at most ``maxURLs``.
        package var urls: [String]
        /// Each `service/region`; `nil` means all pools.
        package var pools: [String]?

        package init(urls: [String], pools: [String]? = nil) {
            self.urls = urls
            self.pools = pools
        }
    }

    package struct Answer: Codable, Sendable, Equatable {
        /// One for each artifact in each pool: those of the first artifact, those of the second, …
        package var replicas: [Item]

        package init(replicas: [Item]) {
            self.replicas = replicas
        }
    }

    /// The result for one artifact in one pool.
    package struct Item: Codable, Sendable, Equatable {
        /// The artifact's canonical URL.
        package var url: String
        /// `service/region`
        package var pool: String
        /// The replica's state, or why there will not be a replica.
        package var state: State
        /// Why the replica will not be present, in a sentence; `nil` if it is or will be present.
        package var error: String?

        package init(url: String, pool: String, state: State, error: String?) {
            self.url = url
            self.pool = pool
            self.state = state
            self.error = error
        }
    }

    /// A word, not an enumeration, because a newer mirror may have more states.
    package struct State: RawRepresentable, Codable, Sendable, Hashable {
        package var rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        package static let present = State(rawValue: "present")
        package static let pending = State(rawValue: "pending")
        package static let refused = State(rawValue: "refused")
        package static let queueFull = State(rawValue: "queue-full")
        package static let unavailable = State(rawValue: "unavailable")

        /// Whether the replica is or will be present.
        package var isTaken: Bool { self == .present || self == .pending }
    }
}
