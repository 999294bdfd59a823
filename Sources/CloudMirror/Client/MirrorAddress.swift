import MirrorCore

/// The address of a mirror, and the URLs of its routes.
struct MirrorAddress: Equatable, CustomStringConvertible {
    static let variable = "CLOUD_MIRROR_URL"
    static let fallback = "http://127.0.0.1:8080"

    let url: ArtifactURL

    /// - Throws: `ArtifactURLError`, which says what is wrong with the text.
    init(_ text: String) throws(ArtifactURLError) {
        url = try ArtifactURL(text)
    }

    /// Without a trailing slash.
    var description: String { String(url.description.prefix { $0 != "?" }.reversed().drop { $0 == "/" }.reversed()) }

    /// - Parameters:
    ///   - pool: `nil` lets the mirror choose.
    ///   - wait: Seconds; `nil` leaves it to the mirror.
    ///   - isMissing: Whether to report that the copy that the mirror redirected to does not exist.
    func redirect(to artifact: ArtifactURL, pool: PoolID?, wait: Int?, isMissing: Bool = false) -> String {
        "\(description)/v1/redirect/\(route(artifact.description, pool))\(query([("wait", wait.map(String.init)), ("missing", isMissing ? "1" : nil)]))"
    }

    /// The URL that the mirror wants to be asked next.
    ///
    /// - Parameters:
    ///   - location: The `Location` of its answer, relative or absolute.
    ///   - url: The URL of the request. It contains an artifact's URL, so it may be longer than such a URL may be.
    /// - Returns: `nil` if the location is not on this mirror.
    func hop(to location: String, from url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let path = url[scheme.upperBound...].firstIndex { "/?".contains($0) } ?? url.endIndex
        let withoutQuery = url.prefix { $0 != "?" }
        if location.hasPrefix("?") { return "\(withoutQuery)\(location)" }
        if location.hasPrefix("//") || location.prefix(while: { !"/?".contains($0) }).contains(":") {
            let absolute = location.hasPrefix("//") ? "\(url[..<scheme.lowerBound]):\(location)" : location
            guard let end = absolute.firstRange(of: "://") else { return nil }
            let authority = absolute[..<(absolute[end.upperBound...].firstIndex { "/?#".contains($0) } ?? absolute.endIndex)]
            guard let there = try? ArtifactURL("\(authority)/"), there.scheme == self.url.scheme, there.host == self.url.host,
                there.port == self.url.port
            else { return nil }
            return absolute
        }
        if location.hasPrefix("/") { return "\(url[..<path])\(location)" }
        guard let slash = withoutQuery.lastIndex(of: "/"), slash >= path else { return nil }
        return "\(withoutQuery[...slash])\(location)"
    }

    func purge(_ artifact: ArtifactName, pool: PoolID?) -> String {
        "\(description)/v1/purge/\(route(artifact.text, pool))"
    }

    /// The replicas of one artifact.
    ///
    /// - Parameter explains: Whether the mirror says why they are kept.
    func replicas(of artifact: ArtifactName, pool: PoolID?, explains: Bool = false) -> String {
        "\(description)/v1/replicas/\(route(artifact.text, pool))\(explains ? "?explain=1" : "")"
    }

    var liveness: String { "\(description)/healthz" }
    var readiness: String { "\(description)/readyz" }
    var warm: String { "\(description)/v1/warm" }
    var pools: String { "\(description)/v1/pools" }
    var stats: String { "\(description)/v1/stats" }
    var clients: String { "\(description)/v1/clients" }

    func which(_ address: IPAddress) -> String { "\(description)/v1/which\(query([("address", address.description)]))" }

    /// - Parameter after: The `next` of the previous page.
    func replicas(pool: PoolID?, state: String?, after: String?, limit: Int) -> String {
        let query = query([("pool", pool?.description), ("state", state), ("after", after), ("limit", String(limit))])
        return "\(description)/v1/replicas\(query)"
    }

    private func route(_ artifact: String, _ pool: PoolID?) -> String {
        "\(pool.map { "\($0)/" } ?? "")\(PercentCoding.encode(artifact))"
    }

    private func query(_ items: [(name: String, value: String?)]) -> String {
        let given = items.compactMap { item in item.value.map { "\(item.name)=\(PercentCoding.encode($0))" } }
        return given.isEmpty ? "" : "?\(given.joined(separator: "&"))"
    }
}
