import MirrorCore

/// The patience of clients, by their `User-Agent`.
package struct ClientTable: Sendable {
    /// A family of clients.
    package struct Family: Sendable, Hashable {
        /// The beginning of a word in `User-Agent`, ignoring case.
        package var userAgent: String
        package var patience: Patience
    }

    /// How many bytes of a `User-Agent` are examined.
    private static let maxLength = 512

    private let families: [(word: [UInt8], patience: Patience)]
    private let unknown: Patience

    /// - Parameter families: Searched before the built-in ones.
    /// - Parameter unknown: The patience of all other clients.
    package init(_ families: [Family] = [], unknown: Patience) {
        self.families = (families + Self.builtIn).map { (Array($0.userAgent.utf8).map(\.asciiLowercased), $0.patience) }
        self.unknown = unknown
    }

    /// - Parameter userAgent: The field's value; `nil` or empty if there is none.
    package func patience(of userAgent: (some Collection<UInt8>)?) -> Patience {
        guard let userAgent, !userAgent.isEmpty else { return unknown }
        let text = userAgent.prefix(Self.maxLength).map(\.asciiLowercased)
        let starts = text.indices.filter { $0 == 0 || !Self.isWordByte(text[$0 - 1]) }
        for (word, patience) in families where starts.contains(where: { text[$0...].starts(with: word) }) { return patience }
        return unknown
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// The patience of clients with default settings. The comment after each entry: how long it waits for a silent server, and how many redirects it
    /// follows.
    ///
    /// Even if a client waits without limit, proxies in between do not: they hang up after 30 or 60 seconds.
    package static let builtIn: [Family] = [
        // Python
        Family("pip/", seconds: 12, hops: 25),  // 15 s, 30
        Family("uv/", seconds: 25, hops: 8),  // 30 s, 10
        Family("hf_hub/", seconds: 8, hops: 15),  // 10 s; 30 by requests, 20 by httpx
        Family("poetry/", seconds: 12, hops: 25),  // 15 s, 30
        Family("python-requests/", seconds: 8, hops: 25),  // none of its own, but callers set one; 30
        Family("python-httpx/", seconds: 4, hops: 15),  // 5 s, 20
        Family("Python-urllib/", seconds: 8, hops: 8),  // none of its own; 10
        // Builds
        Family("Bazel/", seconds: 16, hops: 30),  // 20 s, 40
        Family("Gradle/", seconds: 25, hops: 15),  // 30 s, 50
        Family("cargo", seconds: 25, hops: 15),  // 30 s, libcurl's 30 or more
        // Before npm, which yarn 1 has in its field, too.
        Family("yarn/", seconds: 25, hops: 8),  // 30 s, 10
        Family("npm/", seconds: 25, hops: 15),  // 300 s, 20
        Family("pnpm/", seconds: 25, hops: 15),  // 60 s, 20
        // Maven 4 has the JDK's client.
        Family("Apache-Maven/", seconds: 50, hops: 2),  // minutes, 4 or more
        Family("Java-http-client/", seconds: 50, hops: 2),  // none, 4
        Family("Java/", seconds: 25, hops: 15),  // none, 19
        // Systems and containers
        Family("Debian APT-HTTP/", seconds: 25, hops: 15),  // 30 s, more than 30
        Family("conda/", seconds: 25, hops: 15),  // 60 s, 30
        Family("mamba/", seconds: 25, hops: 15),  // 60 s, libcurl's 30 or more
        // Before curl, which it has in its field, too.
        Family("Nix/", seconds: 25, hops: 8),  // 300 s, 10
        Family("Go-http-client/", seconds: 25, hops: 8),  // none, 10
        Family("containerd/", seconds: 25, hops: 8),
        Family("docker/", seconds: 25, hops: 8),
        Family("containers/", seconds: 25, hops: 8),
        Family("skopeo/", seconds: 25, hops: 8),
        Family("git-lfs/", seconds: 25, hops: 0),  // 30 s, 2
        // By hand
        Family("curl/", seconds: 25, hops: 25),  // none, 50
        Family("Wget/", seconds: 25, hops: 17),  // 900 s, 20
        Family("aria2/", seconds: 25, hops: 17),  // 60 s, 20
        // `cloud-mirror get`, and mirrors that use this one as an origin.
        Family("cloud-mirror/", seconds: 25, hops: 8),  // 60 s, 10
    ]
}

extension ClientTable.Family {
    fileprivate init(_ userAgent: String, seconds: Int64, hops: Int) {
        self.init(userAgent: userAgent, patience: Patience(hop: .seconds(seconds), hops: hops))
    }
}
