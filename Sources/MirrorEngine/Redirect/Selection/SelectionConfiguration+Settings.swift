import CloudRegions
package import MirrorCore
package import MirrorSettings
import NamedOrigins

extension SelectionConfiguration {
    /// - Parameter pools: The pools in the file.
    /// - Parameter requireHTTPS: Whether plain HTTP is refused for lists of the clouds' addresses.
    package init(_ reader: SettingsReader, pools: [PoolID], requireHTTPS: Bool) {
        let networks: [(IPNetwork, PoolID)] = reader.map(
            "networks", named: .network, .pool(among: pools), example: "{10.1.0.0/16: local/dev}",
            doc: "Client networks and the pool of each; the longest prefix that contains the client's address decides.")
        let regions: [(CloudRegion, PoolID)] = reader.map(
            "regions", named: .cloudRegion, .pool(among: pools), example: "{aws/eu-west-3: s3/eu-central-1}",
            doc:
                "Cloud regions and the pool of each, if it is not the pool named after the region: a client in `aws/us-west-2` "
                + "gets `s3/us-west-2`, one in `google/us-west1` gets `gcs/us-west1`, and one in `azure/westus2` gets `azure/westus2`, if "
                + "there is such a pool.")
        let deliveries: [(IPNetwork, Delivery)] = reader.map(
            "delivery", named: .network, .choice(), example: "{10.9.0.0/16: inline}",
            doc:
                "Client networks and how their clients get the artifacts of named origins: `redirect`, `inline` for clients that cannot "
                + "reach the pools (the mirror sends the bytes), or `origin`. The bytes sent count against the network's "
                + "`redirect.coldClaims`. The "
                + "request header `X-Cloud-Mirror-Delivery` overrides it: `redirect` and `origin` always, `inline` with `deliveryHeader`.")
        var deliveryHeader = false
        reader.value(
            "deliveryHeader", &deliveryHeader, .boolean,
            doc:
                "Whether any client may ask the mirror to send artifacts of named origins itself, with the request header "
                + "`X-Cloud-Mirror-Delivery: inline`. Otherwise only clients of networks and named origins whose `delivery` is `inline` get them that way."
        )
        var nearest = Nearest.any
        reader.value(
            "nearest", &nearest, .choice(),
            doc:
                "Which pool a client in a cloud region without a pool gets: the pool of the nearest region of its cloud, or else of "
                + "another (`any`), only of its cloud (`same-cloud`), or the `default` (`never`).")
        var poolHeader = false
        reader.value(
            "poolHeader", &poolHeader, .boolean,
            doc: "Whether a client may also name its pool in the request header `X-Cloud-Mirror-Pool`. A pool in the URL overrides it.")
        var trustedProxies: [IPNetwork] = []
        reader.list(
            "trustedProxies", &trustedProxies, .network,
            doc:
                "Proxies that are trusted to name the client, in `proxyHeader` or by the PROXY protocol (`server.proxyProtocol`), such as "
                + "`[10.0.0.0/8]`.")
        var proxyHeader = ProxyHeader.xForwardedFor
        reader.value(
            "proxyHeader", &proxyHeader, .choice(),
            doc:
                "The request header in which trusted proxies name the client. Set the one that every trusted proxy writes; the other is not read."
        )
        var fallback = pools.count == 1 ? pools.first : nil
        reader.value(
            "default", &fallback, SettingKind<PoolID?>.originOrPool(among: pools),
            defaultNote: "the pool if there is only one, else origin", example: "origin",
            doc: "The pool for all other clients; `origin` redirects them to the origin.")
        self.init(networks: networks.map { (network: $0, pool: $1) }, trustedProxies: trustedProxies, fallback: fallback)
        self.deliveryHeader = deliveryHeader
        self.deliveries = deliveries.map { DeliveryRule(network: $0, delivery: $1) }
            .sorted { $0.network.prefixLength > $1.network.prefixLength }
        self.regions = Dictionary(regions) { _, last in last }
        (self.nearest, self.poolHeader, self.proxyHeader) = (nearest, poolHeader, proxyHeader)
        reader.section(
            "cloudRegions",
            doc:
                "Newer lists of which addresses belong to which cloud region. Without them, the lists that cloud-mirror comes with are "
                + "used. They are fetched in the background, and used only if they are complete and have at least half as many prefixes as "
                + "before."
        ) { cloudRegions.read($0, requireHTTPS: requireHTTPS) }
    }
}

extension CloudRegionSources {
    fileprivate mutating func read(_ reader: SettingsReader, requireHTTPS: Bool) {
        reader.value(
            "aws", &aws, .regionSource(requireHTTPS: requireHTTPS), example: "https://ip-ranges.amazonaws.com/ip-ranges.json",
            doc: "AWS's `ip-ranges.json`.")
        reader.value(
            "google", &google, .regionSource(requireHTTPS: requireHTTPS), example: "https://www.gstatic.com/ipranges/cloud.json",
            doc: "Google's `cloud.json`.")
        reader.value(
            "azure", &azure, .regionSource(requireHTTPS: requireHTTPS), example: "/var/lib/cloud-mirror/ServiceTags_Public.json",
            doc: "Azure's service tags, `ServiceTags_Public_DATE.json`. Microsoft publishes them under a new URL each week.")
        reader.value(
            "refresh", &refresh, .duration(in: .seconds(60)...days(30)),
            doc: "Time between two fetches. After a failed fetch, the next comes sooner.")
    }
}

extension SettingKind where Value == CloudRegion {
    fileprivate static var cloudRegion: Self {
        SettingKind(
            name: "cloud region",
            parse: { (text, _) throws(InvalidValue) in
                guard let region = CloudRegion(text) else {
                    let clouds = Cloud.allCases.map(\.rawValue).joined(separator: ", ")
                    throw InvalidValue("is not a cloud region; write cloud/region, such as aws/us-west-2; the clouds are \(clouds)")
                }
                return region
            }, text: { $0.description })
    }
}

extension SettingKind where Value == CloudRegionSources.Source {
    fileprivate static func regionSource(requireHTTPS: Bool) -> Self {
        SettingKind(
            name: "URL or path",
            parse: { (text, context) throws(InvalidValue) in
                guard text.contains("://") else { return .file(try SettingKind<String>.path.parse(text, context)) }
                let url: ArtifactURL
                do throws(ArtifactURLError) { url = try ArtifactURL(text) } catch {
                    throw InvalidValue("is not a URL: \(error.reason)")
                }
                guard url.scheme == .https || !requireHTTPS else { throw InvalidValue("is plain HTTP, but origins.requireHTTPS is true") }
                return .url(url)
            }, text: { $0.description })
    }
}

extension SettingKind where Value == PoolID {
    fileprivate static func pool(among pools: [PoolID]) -> Self {
        Self.pool.checked { pools.contains($0) ? nil : "is not one of the pools: \(list(pools))" }
    }
}

extension SettingKind where Value == PoolID? {
    /// `nil` for the origin.
    fileprivate static func originOrPool(among pools: [PoolID]) -> Self {
        SettingKind(
            name: "origin or a pool",
            parse: { (text, _) throws(InvalidValue) in
                if text == "origin" { return nil }
                guard let id = PoolID(text), pools.contains(id) else {
                    throw InvalidValue("is neither origin nor one of the pools: \(list(pools))")
                }
                return id
            }, text: { $0?.description ?? "origin" })
    }
}

private func list(_ pools: [PoolID]) -> String {
    pools.isEmpty ? "there are none" : pools.map(\.description).joined(separator: ", ")
}
