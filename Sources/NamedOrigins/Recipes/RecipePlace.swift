import MirrorCore

/// A named origin as a client sees it.
struct RecipePlace {
    /// Of the mirror, without a slash at the end.
    let base: String
    let name: String
    let origin: ArtifactURL

    /// Without a slash at the end.
    var url: String { "\(base)/o/\(name)" }

    var isPlainHTTP: Bool { base.hasPrefix("http://") }

    /// The mirror's host with its port, and the path that a proxy gives it.
    var authorityAndPath: Substring { base[(base.firstRange(of: "://")?.upperBound ?? base.startIndex)...] }

    /// The mirror's host, without its port.
    var host: Substring {
        let authority = authorityAndPath.prefix { $0 != "/" }
        guard authority.hasPrefix("[") else { return authority.prefix { $0 != ":" } }
        return authority.prefix { $0 != "]" }.dropFirst()
    }

    /// Whether requests without TLS cannot be read by others: clients make an exception for this machine.
    var isLoopback: Bool { host == "localhost" || IPAddress(String(host))?.isLoopback == true }
}
