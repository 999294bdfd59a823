import Crypto
package import MirrorCore
import MirrorNet

/// A URL of a named origin: its own, or one that its pages link to.
struct OriginPlace: Sendable {
    let origin: NamedOrigin
    /// Ends in `/` and has no query.
    let url: ArtifactURL
}

/// Where the links of a named origin's pages lead: to its own places first, then to those of other named origins, then to any host that may be
/// fetched from.
package struct OriginLinks: LinkMap {
    private let own: [OriginPlace]
    private let all: [OriginPlace]
    private let policy: EgressPolicy
    package let fingerprint: String

    /// - Parameter places: The longest path first.
    init(_ origin: NamedOrigin, _ places: [OriginPlace], _ policy: EgressPolicy) {
        own = places.filter { $0.origin.name == origin.name }
        all = places
        self.policy = policy
        let text = "\(origin.name) \(places.map { "\($0.origin.name) \($0.url)" }) \(policy.requireHTTPS) \(policy.allow)"
        fingerprint = Hex.encode(SHA256.hash(of: text).prefix(16))
    }

    package func place(of url: ArtifactURL) -> LinkPlace? {
        for places in [own, all] {
            guard let place = places.first(where: { url.isBelow($0.url) }) else { continue }
            let isOnly = !places.contains { $0.url != place.url && $0.url.isBelow(place.url) }
            guard place.url != place.origin.url else { return LinkPlace(url: place.url, path: "\(place.origin.name)/", isWhole: isOnly) }
            // The host is followed by the whole path, which distinguishes several places on one host.
            guard let root = try? ArtifactURL("\(place.url.scheme.rawValue)://\(place.url.authority)/") else { return nil }
            return LinkPlace(url: root, path: "\(place.origin.name)/~\(place.url.authority)/", isWhole: isOnly && place.url == root)
        }
        guard let base = try? ArtifactURL("\(url.scheme.rawValue)://\(url.authority)/"), isAllowed(url) else { return nil }
        // A host means https, unless only http is allowed.
        if url.scheme == .http, let secure = try? ArtifactURL("https://\(url.authority)\(url.path)"), isAllowed(secure) { return nil }
        return LinkPlace(url: base, path: "\(url.authority)/", isWhole: false)
    }

    private func isAllowed(_ url: ArtifactURL) -> Bool {
        do throws(EgressRefusal) {
            try policy.check(url)
            return true
        } catch {
            return false
        }
    }
}
