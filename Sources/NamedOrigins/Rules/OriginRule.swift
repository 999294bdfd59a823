package import MirrorCore

/// What to do with some of the requests for a named origin.
package struct OriginRule: Sendable, Equatable {
    package var methods: RuleMethods
    /// The pattern for the path after the named origin's URL, which begins with `/`.
    package var pattern: PathPattern
    package var kind: Kind
    /// How long a page is served without asking the origin.
    package var life: Duration
    /// In bytes; the mirror itself sends an artifact that is not larger. 0: never.
    package var inlineLimit: Int64
    /// Which part of the query belongs to the name. The rest is sent to the origin for an artifact, and left out for a page.
    package var query: QueryRule
    /// Where the artifact's digest is.
    package var digest: DigestPlace?
    /// Whether an answer in HTML is an error of the origin, and not the artifact or the page.
    package var refusesHTML: Bool
    /// How long a request for an artifact waits for its copy; `nil`: as for any other.
    package var wait: Duration?
    package var miss: Miss
    /// The `Accept` for an origin that does not serve the artifact to every client; `nil` for anything.
    package var accept: String?
    /// The media types between which the origin of a page chooses by `Accept`, none if it does not; `nil` if that is not known. Without that, clients
    /// can make up forms of a page without end.
    package var types: [String]?
    /// The page that leads to an artifact which never changes.
    package var commit: CommitPlace?

    package init(
        _ pattern: PathPattern, _ kind: Kind, methods: RuleMethods = .read, life: Duration = .seconds(60), inlineLimit: Int64 = 0,
        query: QueryRule = .dropSignatures, digest: DigestPlace? = nil, refusesHTML: Bool = false, wait: Duration? = nil,
        miss: Miss = .wait, accept: String? = nil, types: [String]? = nil, commit: CommitPlace? = nil
    ) {
        self.methods = methods
        self.pattern = pattern
        self.kind = kind
        self.life = life
        self.inlineLimit = inlineLimit
        self.query = query
        self.digest = digest
        self.refusesHTML = refusesHTML
        self.wait = wait
        self.miss = miss
        self.accept = accept
        self.types = types
        self.commit = commit
    }

    /// The classes of rules.
    package enum Kind: Sendable, Equatable {
        /// Copied into pools and served from there: for files that never change.
        case mirrored
        /// Kept for a short life, then revalidated: a page.
        case revalidated
        /// As `revalidated`, with links that lead through the mirror.
        case rewritten(LinkGrammar)
        /// Left to the origin.
        case passed
        case refused

        /// As it is written in the configuration, and a label of metrics.
        package var word: String {
            switch self {
            case .mirrored: "mirrored"
            case .revalidated: "revalidated"
            case .rewritten: "rewritten"
            case .passed: "passed"
            case .refused: "refused"
            }
        }
    }
}

/// How the links stand in a page.
package enum LinkGrammar: String, Sendable, CaseIterable {
    /// The `href` of an HTML page.
    case html
    /// PEP 503 or PEP 691, as the answer's `Content-Type` says: `href` in HTML, `url` in JSON.
    case python
    /// `dist.tarball` of an npm package.
    case npm
    /// `dl` of a cargo index's `config.json`. `api` stays: cargo publishes and searches there, which a mirror does not handle.
    case cargoConfig = "cargo-config"
    /// `base_url` and `shards_base_url` of a conda channel.
    case condaRepodata = "conda-repodata"
    /// `download.href` in the answer of Git LFS's batch API, which is requested by POST: it is rewritten as it is passed on, and not stored.
    case lfs
    /// None but the `Link` field, which is rewritten in every page.
    case fields
}

/// The methods that a rule is for.
package enum RuleMethods: String, Sendable, CaseIterable {
    /// GET and HEAD.
    case read
    /// POST, which can only be passed, refused or, for Git LFS, rewritten on its way.
    case post
    case any

    package func contains(_ method: RuleMethod) -> Bool {
        switch self {
        case .read: method != .post
        case .post: method == .post
        case .any: true
        }
    }
}

package enum RuleMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
}

/// Where an artifact's digest is.
package enum DigestPlace: Sendable, Equatable {
    /// In the path, where the pattern has hexadecimal digits.
    case path(Digest.Algorithm)
    /// In a header field of the origin's answer.
    case field(String)
    /// In the link to it, which it becomes a part of: see ``NamedOriginTable``.
    case link
}

/// What a request does for an artifact that is not present.
package enum Miss: String, Sendable, CaseIterable {
    /// It waits for the copy, up to its deadline.
    case wait
    /// It is redirected to the origin, and the copy is made in the background.
    case redirectAndCopy = "redirect-and-copy"
    /// It is redirected to the origin, and nothing is copied.
    case redirect
    case refuse
}
