package import MirrorCore
package import MirrorSettings

extension PoolSelector {
    /// - Parameter pools: Those that the file names.
    package init(_ reader: SettingsReader, pools: [PoolID]) {
        let networks: [(IPNetwork, PoolID)] = reader.map(
            "networks", named: .network, .pool(among: pools), example: "{10.1.0.0/16: local/dev}",
            doc: "Client networks and the pool of each; the longest prefix that contains the client's address decides.")
        var trustedProxies: [IPNetwork] = []
        reader.list(
            "trustedProxies", &trustedProxies, .network,
            doc: "Proxies whose `X-Forwarded-For` is trusted when a client's address is determined, such as `[10.0.0.0/8]`.")
        var fallback = pools.count == 1 ? pools.first : nil
        reader.value(
            "default", &fallback, SettingKind<PoolID?>.originOrPool(among: pools),
            defaultNote: "the pool if there is only one, else origin", example: "origin",
            doc: "The pool for all other clients; `origin` redirects them to the origin.")
        self.init(networks: networks.map { (network: $0, pool: $1) }, trustedProxies: trustedProxies, fallback: fallback)
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
