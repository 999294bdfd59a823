import MirrorCore
import MirrorNet
import MirrorSettings

extension SettingKind where Value == EgressPolicy.AllowRule {
    static var originPrefix: Self {
        SettingKind(
            name: "URL prefix",
            parse: { (text, _) throws(InvalidValue) in
                do throws(ArtifactURLError) { return .prefix(try ArtifactURL(text)) } catch {
                    throw InvalidValue("is not a valid URL prefix: \(error.reason)")
                }
            }, text: Self.text)
    }

    static var originPattern: Self {
        SettingKind(name: "regular expression", parse: { (text, _) in .pattern(text) }, text: Self.text)
    }

    private static func text(_ rule: EgressPolicy.AllowRule) -> String {
        switch rule {
        case .anyPublic: ""
        case .prefix(let url, _): url.description
        case .pattern(let text, _): text
        }
    }
}

extension SettingKind where Value == ListenAddress {
    static var listenAddress: Self {
        SettingKind(
            name: "address",
            parse: { (text, _) throws(InvalidValue) in
                guard let value = ListenAddress(text) else {
                    throw InvalidValue("is not an address to listen on; write host:port, such as 127.0.0.1:8080 or [::]:8080")
                }
                return value
            }, text: { $0.description })
    }
}

extension SettingKind where Value == PoolID {
    /// A pool that the file has.
    static func pool(among pools: [PoolID]) -> Self {
        Self.pool.checked { pools.contains($0) ? nil : "is not one of the pools: \(list(pools))" }
    }
}

extension SettingKind where Value == Configuration.Selection.Fallback {
    static func fallback(among pools: [PoolID]) -> Self {
        SettingKind(
            name: "origin or a pool",
            parse: { (text, _) throws(InvalidValue) in
                if text == "origin" { return .origin }
                guard let id = PoolID(text), pools.contains(id) else {
                    throw InvalidValue("is neither origin nor one of the pools: \(list(pools))")
                }
                return .pool(id)
            },
            text: { fallback in
                switch fallback {
                case .origin: "origin"
                case .pool(let id): id.description
                }
            })
    }
}

private func list(_ pools: [PoolID]) -> String {
    pools.isEmpty ? "there are none" : pools.map(\.description).joined(separator: ", ")
}
