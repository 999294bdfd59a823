import MirrorCore
import MirrorNet

extension ConfigurationValueKind where Value == EgressPolicy.AllowRule {
    static var originPrefix: Self {
        ConfigurationValueKind(
            name: "URL prefix",
            parse: { (text, _) throws(InvalidValue) in
                do throws(ArtifactURLError) { return .prefix(try ArtifactURL(text)) } catch {
                    throw InvalidValue("is not the beginning of an artifact's URL: \(error.reason)")
                }
            }, text: Self.text)
    }

    static var originPattern: Self {
        ConfigurationValueKind(name: "regular expression", parse: { (text, _) in .pattern(text) }, text: Self.text)
    }

    private static func text(_ rule: EgressPolicy.AllowRule) -> String {
        switch rule {
        case .anyPublic: ""
        case .prefix(let url, _): url.description
        case .pattern(let text, _): text
        }
    }
}

extension ConfigurationValueKind where Value == PoolID {
    /// A pool that the file has.
    static func pool(among pools: [PoolID]) -> Self {
        Self.pool.checked { pools.contains($0) ? nil : "is not one of the pools: \(list(pools))" }
    }
}

extension ConfigurationValueKind where Value == Configuration.Selection.Fallback {
    static func fallback(among pools: [PoolID]) -> Self {
        ConfigurationValueKind(
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
