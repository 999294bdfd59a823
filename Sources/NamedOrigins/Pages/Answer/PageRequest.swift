package import MirrorCore
package import MirrorSettings

/// A request for a page.
package struct PageRequest: Sendable {
    /// The request to the origin.
    package enum Form: String, Sendable {
        /// The page.
        case page
        /// Only its header fields, by HEAD: for an artifact, whose body is not stored here.
        case fields
    }

    package var url: ArtifactURL
    package var origin: NamedOrigin
    package var rule: OriginRule
    package var form: Form
    /// What the client sent.
    package var accept: String?
    package var ifNoneMatch: String?
    package var ifModifiedSince: String?
    /// Whether the origin must have confirmed the answer in this moment; see ``wantsRevalidation(cacheControl:)``.
    package var wantsRevalidation: Bool
    /// The client's own `Authorization`, which is only used if the named origin says so.
    package var authorization: Secret?
    /// The prefix of links: `/o/`, or the mirror's own URL with it, which clients of npm, cargo and conda need.
    package var prefix: String
    package var links: any LinkMap
    /// The time by which the client is answered, whatever the origin does.
    package var deadline: ContinuousClock.Instant
    /// The client; once it has left, the origin is not waited for on its behalf. `nil` if that is not known.
    package var client: ClientPresence?
    /// Charges the client's budget for a page that was not requested recently, because pages can be made up without end. False if nothing is left.
    package var pay: @Sendable () -> Bool
    /// Charges the client's budget for the bytes of a page that is fetched for it.
    package var charge: @Sendable (Int64) -> Void
    /// The client network whose share of the store a new page takes; `nil` if many clients may be behind one address.
    package var sharer: ClientNetwork?

    package init(
        _ url: ArtifactURL, origin: NamedOrigin, rule: OriginRule, form: Form = .page, accept: String? = nil, ifNoneMatch: String? = nil,
        ifModifiedSince: String? = nil, wantsRevalidation: Bool = false, authorization: Secret? = nil, prefix: String = "/o/",
        links: any LinkMap, deadline: ContinuousClock.Instant, client: ClientPresence? = nil,
        pay: @escaping @Sendable () -> Bool = { true },
        charge: @escaping @Sendable (Int64) -> Void = { _ in }, sharer: ClientNetwork? = nil
    ) {
        self.url = url
        self.origin = origin
        self.rule = rule
        self.form = form
        self.accept = accept
        self.ifNoneMatch = ifNoneMatch
        self.ifModifiedSince = ifModifiedSince
        self.wantsRevalidation = wantsRevalidation
        self.authorization = authorization
        self.prefix = prefix
        self.links = links
        self.deadline = deadline
        self.client = client
        self.pay = pay
        self.charge = charge
        self.sharer = sharer
    }

    /// `nil` for a page whose links are not rewritten.
    var grammar: LinkGrammar? {
        if case .rewritten(let grammar) = rule.kind, LinkRewriter.rewrites(grammar) { grammar } else { nil }
    }

    /// Whether what the client gets is for it alone.
    var isPrivate: Bool { origin.credentials == .client && authorization != nil }

    var acceptField: AcceptField { AcceptField(accept, for: grammar, among: rule.types) }

    /// A page that was fetched with credentials is served only to requests through the origin that has them.
    var key: PageKey {
        PageKey(url, variant: "\(form.rawValue) \(origin.credentials == .none ? "" : origin.name) \(acceptField.text)")
    }
}
