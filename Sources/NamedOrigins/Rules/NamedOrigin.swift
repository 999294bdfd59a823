package import MirrorCore
package import MirrorSettings

/// An origin that clients request below `/o/NAME/`.
package struct NamedOrigin: Sendable, Equatable {
    /// 1 to 63 of a-z, 0-9 and hyphens, beginning with a letter or digit: never a host with a dot or a port.
    package let name: String
    /// The URL that the rest of a path is appended to; ends in `/` and has no query.
    package let url: ArtifactURL
    /// The preset, which provides the rules after its own and determines its clients; `nil` for none.
    package let preset: Preset?
    /// Its own, then those of its preset. The first that matches decides; a request that none matches is passed.
    package let rules: [OriginRule]
    package let credentials: UpstreamCredentials
    /// Whether the origin issues tokens after a 401, as image registries do.
    package let exchangesTokens: Bool
    package let delivery: Delivery
    /// Other places that its pages link to, and that may be fetched through it.
    package let links: [LinkTarget]

    package init(
        name: String, url: ArtifactURL, preset: Preset? = nil, rules: [OriginRule] = [], credentials: UpstreamCredentials = .none,
        exchangesTokens: Bool = false, delivery: Delivery = .redirect, links: [LinkTarget] = []
    ) {
        self.name = name
        self.url = url
        self.preset = preset
        self.rules = rules
        self.credentials = credentials
        self.exchangesTokens = exchangesTokens
        self.delivery = delivery
        self.links = links
    }
}

extension NamedOrigin {
    /// Whether it has no name in the configuration, so that clients request it by its host. A name from the configuration has no dot and no colon.
    package var isByHost: Bool { name == "localhost" || name.utf8.contains { ".:".utf8.contains($0) } }

    /// The prefixes of all URLs that can be fetched through it.
    package var places: [ArtifactURL] { [url] + links.map(\.url) }
}

/// A place that the pages of a named origin link to.
package struct LinkTarget: Sendable, Equatable {
    /// Ends in `/` and has no query.
    package let url: ArtifactURL

    package init(_ url: ArtifactURL) {
        self.url = url
    }
}

/// How the bytes of an artifact reach a client.
package enum Delivery: String, Sendable, CaseIterable {
    /// The client is redirected to the replica.
    case redirect
    /// The mirror reads the replica and sends it.
    case inline
    /// The client is redirected to the origin.
    case origin
}

/// The credentials that the mirror sends to an origin.
package enum UpstreamCredentials: Sendable, Equatable {
    case none
    /// A header field.
    case field(name: String, value: Secret)
    case basic(user: String, password: Secret)
    case bearer(Secret)
    /// The client's own `Authorization`, for its request alone: the answer is neither stored nor sent to others.
    case client

    /// Whether they are the operator's: the origin does not see that a stranger has caused a request with them.
    package var areOfOperator: Bool {
        switch self {
        case .none, .client: false
        case .field, .basic, .bearer: true
        }
    }
}
