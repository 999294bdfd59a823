import MirrorCore

/// The rules of an ecosystem.
package enum Preset: String, Sendable, CaseIterable {
    case python, npm, cargo, go, maven, apt, oci, conda, huggingface, github, nix

    package var rules: [OriginRule] {
        switch self {
        case .python: Self.pythonRules
        case .npm: Self.npmRules
        case .cargo: Self.cargoRules
        case .go: Self.goRules
        case .maven: Self.mavenRules
        case .apt: Self.aptRules
        case .oci: Self.ociRules
        case .conda: Self.condaRules
        case .huggingface: Self.huggingfaceRules
        case .github: Self.githubRules
        case .nix: Self.nixRules
        }
    }

    /// Whether its origins issue tokens after a 401 (https://distribution.github.io/distribution/spec/auth/token/).
    package var exchangesTokens: Bool { self == .oci }

    /// Where the public origins of an ecosystem keep the files that their pages link to, or redirect to.
    ///
    /// - Parameter host: Of the named origin's URL.
    package func links(of host: String) -> [LinkTarget] {
        (Self.knownLinks[self]?[host] ?? []).compactMap { try? LinkTarget(ArtifactURL($0)) }
    }

    private static let knownLinks: [Preset: [String: [String]]] = [
        .python: ["pypi.org": ["https://files.pythonhosted.org/"]],
        // https://index.crates.io/config.json
        .cargo: ["index.crates.io": ["https://static.crates.io/"]],
        .oci: [
            "ghcr.io": ["https://pkg-containers.githubusercontent.com/"],
            // https://docs.docker.com/desktop/setup/allow-list/: what anybody pulls without an account is in the bucket
            "registry-1.docker.io": [
                "https://auth.docker.io/", "https://production.cloudflare.docker.com/", "https://production.cloudfront.docker.com/",
                "https://docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com/",
            ],
        ],
        // Packages of some channels are redirected to there.
        .conda: ["conda.anaconda.org": ["https://binstar-cio-packages-prod.s3.amazonaws.com/"]],
        // https://huggingface.co/.well-known/meta.json, `lfsDomains` and `cdnDomains`; cas-bridge is where Xet files are for clients without Xet
        .huggingface: [
            "huggingface.co": [
                "https://cdn-lfs.hf.co/", "https://cdn-lfs-us-1.hf.co/", "https://cdn-lfs-eu-1.hf.co/", "https://transfer.xethub.hf.co/",
                "https://transfer.xethub-eu.hf.co/", "https://cas-bridge.xethub.hf.co/", "https://aws.cdn.hf.co/",
                "https://us.aws.cdn.hf.co/",
                "https://us-east-1.aws.cdn.hf.co/", "https://us-west-2.aws.cdn.hf.co/", "https://eu-west-3.aws.cdn.hf.co/",
                "https://ap-southeast-1.aws.cdn.hf.co/", "https://us.gcp.cdn.hf.co/", "https://us-east1.us.gcp.cdn.hf.co/",
                "https://us-central1.us.gcp.cdn.hf.co/", "https://us-west4.us.gcp.cdn.hf.co/", "https://europe-west4.us.gcp.cdn.hf.co/",
                "https://asia-southeast1.us.gcp.cdn.hf.co/",
            ]
        ],
        // https://docs.github.com/en/actions/reference/runners/self-hosted-runners: objects of Git LFS are at both of the github-cloud hosts. Those
        // that are asked for by the path of their file are redirected to media.
        .github: [
            "github.com": [
                "https://codeload.github.com/", "https://objects.githubusercontent.com/", "https://raw.githubusercontent.com/",
                "https://release-assets.githubusercontent.com/", "https://github-cloud.s3.amazonaws.com/",
                "https://github-cloud.githubusercontent.com/", "https://media.githubusercontent.com/",
            ]
        ],
    ]

    /// The maximum size in bytes of an immutable file that the mirror sends itself, because a redirect would cost more.
    static let small: Int64 = 1 << 20
    /// The life of pages whose changes clients should see soon.
    static let seconds = Duration.seconds(10)
    static let hour = Duration.seconds(3_600)
}

extension OriginRule {
    /// A rule of a preset, with a pattern that is known to be right: each is in a test.
    init(
        preset pattern: StaticString, _ kind: Kind, methods: RuleMethods = .read, life: Duration = .seconds(60), inlineLimit: Int64 = 0,
        query: QueryRule = .dropSignatures, digest: DigestPlace? = nil, refusesHTML: Bool = false,
        accept: String? = nil, types: [String] = [], commit: CommitPlace? = nil
    ) {
        // A wrong pattern matches nothing.
        let pattern = (try? PathPattern("\(pattern)")) ?? .nothing
        self.init(
            pattern, kind, methods: methods, life: life, inlineLimit: inlineLimit, query: query, digest: digest, refusesHTML: refusesHTML,
            accept: accept, types: types, commit: commit)
    }

    static func mirrored(
        _ pattern: StaticString, inline inlineLimit: Int64 = 0, query: QueryRule = .dropSignatures, digest: DigestPlace? = nil,
        html: Bool = false
    ) -> OriginRule {
        OriginRule(preset: pattern, .mirrored, inlineLimit: inlineLimit, query: query, digest: digest, refusesHTML: !html)
    }

    /// - Parameter html: Whether the page may be HTML; if not, HTML comes from a portal or a login page.
    /// - Parameter types: The media types between which origins choose.
    static func page(
        _ pattern: StaticString, _ grammar: LinkGrammar? = nil, life: Duration = .seconds(60), query: QueryRule = .keep, html: Bool = false,
        types: [String] = []
    ) -> OriginRule {
        let isHTML = html || grammar == .python || grammar == .html
        return OriginRule(
            preset: pattern, grammar.map { .rewritten($0) } ?? .revalidated, life: life, query: query, refusesHTML: !isHTML, types: types)
    }

    static func passed(_ pattern: StaticString, methods: RuleMethods = .any) -> OriginRule {
        OriginRule(preset: pattern, .passed, methods: methods, query: .keep)
    }

    static func refused(_ pattern: StaticString) -> OriginRule { OriginRule(preset: pattern, .refused, methods: .any, query: .keep) }
}
