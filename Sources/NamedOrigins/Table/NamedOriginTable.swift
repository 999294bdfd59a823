package import MirrorCore
package import MirrorNet

/// Finds the target of a request below `/o/`, and the path below `/o/` for a URL.
///
/// A path is `NAME/REST` or `HOST/REST`; a port follows the host as `:PORT` or `%3APORT`. The rest may be preceded, in any order, by
/// `~HOST` for another host that the named origin's pages link to, whose whole path follows, a ``DigestMark`` for the digest that the link stated, and `~hop=N` where the mirror has
/// redirected the client to itself before. The file's name stays last, so that a client can append `.metadata` to it. A host that belongs to a named
/// origin follows its rules; for any other host, everything is mirrored.
package struct NamedOriginTable: Sendable {
    private static let hopMark = "~hop="
    /// The largest number of a redirect to ourselves.
    private static let maxHop = 100

    package let origins: [NamedOrigin]
    private let byName: [String: NamedOrigin]
    /// Every URL and every link target, the longest path first.
    private let places: [OriginPlace]
    private let links: [String: OriginLinks]
    private let policy: EgressPolicy
    private let hasRefusals: Bool

    /// - Parameter policy: URLs that it allows can be requested by host.
    package init(_ origins: [NamedOrigin] = [], policy: EgressPolicy) {
        self.origins = origins
        self.policy = policy
        byName = Dictionary(origins.map { ($0.name, $0) }) { first, _ in first }
        let places = origins.flatMap { origin in origin.places.map { OriginPlace(origin: origin, url: $0) } }
            .sorted { $0.url.path.utf8.count > $1.url.path.utf8.count }
        self.places = places
        hasRefusals = origins.contains { $0.rules.contains { $0.kind == .refused } }
        links = byName.mapValues { OriginLinks($0, places, policy) }
    }

    // MARK: From a path

    /// - Parameters:
    ///   - path: What follows `/o/`, as the client sent it.
    ///   - query: Without the `?`.
    package func call(_ path: Substring, query: String? = nil, method: RuleMethod = .get) throws(NamedCallError) -> NamedCall {
        var rest = path.utf8[...]
        let first = Self.segment(&rest) ?? ""
        guard let origin = byName[String(first)] else { return try hostCall(first, rest, query, method) }
        let marks = Marks(&rest, of: origin)
        guard !marks.targets.isEmpty else {
            return call(origin, behind: origin.url, try Self.url(origin.url, rest, query), method, marks)
        }
        for target in marks.targets {
            guard let root = try? ArtifactURL("\(target.url.scheme.rawValue)://\(target.url.authority)/") else { continue }
            let url = try Self.url(root, rest, query)
            if url.isBelow(target.url) { return call(origin, behind: target.url, url, method, marks) }
        }
        throw NamedCallError(code: .invalid, message: "the path leads out of what the origin's pages link to")
    }

    private func hostCall(
        _ first: Substring, _ rest: Substring.UTF8View, _ query: String?, _ method: RuleMethod
    ) throws(NamedCallError) -> NamedCall {
        guard let host = PercentCoding.decode(first), host.utf8.contains(where: { ".:".utf8.contains($0) }) || host == "localhost" else {
            throw NamedCallError(code: .unknownOrigin, message: "there is no origin of this name; /o/ is followed by a name or a host")
        }
        var refusal: NamedCallError?
        for scheme in [ArtifactURL.Scheme.https, .http] {
            let base: ArtifactURL
            do throws(ArtifactURLError) {
                base = try ArtifactURL("\(scheme.rawValue)://\(host)/")
            } catch {
                throw NamedCallError(code: .invalid, message: "what follows /o/ is neither a name nor a host: \(error.reason)")
            }
            guard base.path == "/", base.query == nil else {
                throw NamedCallError(code: .invalid, message: "what follows /o/ is neither a name nor a host")
            }
            var behind = rest
            let marks = Marks(&behind, of: nil)
            let url = try Self.url(base, behind, query)
            if let place = place(of: url) { return call(place.origin, behind: place.url, url, method, marks) }
            do throws(EgressRefusal) {
                try policy.check(url)
            } catch {
                refusal = refusal ?? NamedCallError(code: .notAllowed, message: error.message)
                continue
            }
            let origin = NamedOrigin(name: base.authority, url: base, rules: OriginRule.unnamed(policy.queryRule(for: url)))
            return call(origin, behind: base, url, method, marks)
        }
        throw refusal ?? NamedCallError(code: .notAllowed, message: "the host is not allowed")
    }

    // MARK: From a URL

    /// What is known about a URL that is requested directly; `nil` for one that belongs to no named origin.
    package func call(_ url: ArtifactURL, method: RuleMethod = .get) -> NamedCall? {
        guard let place = place(of: url) else { return refusedCall(url, method) }
        return call(place.origin, behind: place.url, url, method, Marks())
    }

    /// Where the links of a named origin's pages lead.
    package func links(of origin: NamedOrigin) -> OriginLinks { links[origin.name] ?? OriginLinks(origin, places, policy) }

    private func place(of url: ArtifactURL) -> OriginPlace? { places.first { url.isBelow($0.url) } }

    // MARK: Parts

    private func call(
        _ origin: NamedOrigin, behind base: ArtifactURL, _ url: ArtifactURL, _ method: RuleMethod, _ marks: Marks
    ) -> NamedCall {
        let path = Self.path(url.path, behind: base)
        guard let found = Self.rule(of: origin, for: path, method) else {
            let rule: OriginRule = method == .post && origin.credentials.areOfOperator ? .noPOST : .rest
            return refusedCall(url, method) ?? NamedCall(origin: origin, rule: rule, url: url, digest: nil, hop: marks.hop)
        }
        if found.rule.kind != .refused, let refused = refusedCall(url, method) { return refused }
        let digest: Digest? =
            switch found.rule.digest {
            case .link: marks.digest
            case .path(let algorithm):
                found.match.digits.flatMap { Digest(algorithm, hex: String(decoding: Array(path.utf8)[$0], as: UTF8.self)) }
            case .field, nil: nil
            }
        return NamedCall(origin: origin, rule: found.rule, url: url, digest: digest, hop: marks.hop)
    }

    /// The first rule for a path after the URL of an origin, which begins with `/`.
    private static func rule(
        of origin: NamedOrigin, for path: String, _ method: RuleMethod
    ) -> (rule: OriginRule, match: PathPattern.Match)? {
        for rule in origin.rules where rule.methods.contains(method) {
            if let match = rule.pattern.match(path) { return (rule, match) }
        }
        return nil
    }

    /// The rule that refuses a URL in a way that a lenient server may read it, even if other rules match its canonical form: `//private/a`,
    /// `/private%2Fa`, `/private;x/a`.
    private func refusedCall(_ url: ArtifactURL, _ method: RuleMethod) -> NamedCall? {
        guard hasRefusals, let path = url.path.lenientPath else { return nil }
        let onHost = places.filter { $0.url.scheme == url.scheme && $0.url.host == url.host && $0.url.port == url.port }
        guard let place = onHost.first(where: { path.utf8.starts(with: $0.url.path.utf8) }),
            let rule = Self.rule(of: place.origin, for: Self.path(path, behind: place.url), method)?.rule, rule.kind == .refused
        else { return nil }
        return NamedCall(origin: place.origin, rule: rule, url: url, digest: nil, hop: 0)
    }

    private static func path(_ path: String, behind base: ArtifactURL) -> String {
        "/\(Substring(path.utf8.dropFirst(base.path.utf8.count)))"
    }

    /// The marks between the name of an origin and the path.
    private struct Marks {
        var digest: Digest?
        /// The places on the host that the path may belong to, the longest path first.
        var targets: [LinkTarget] = []
        var hop = 0

        init() {}

        /// Takes them from the front of a path.
        init(_ rest: inout Substring.UTF8View, of origin: NamedOrigin?) {
            while rest.first == UInt8(ascii: "~") {
                var ahead = rest
                guard let mark = NamedOriginTable.segment(&ahead) else { return }
                if let stated = DigestMark.digest(mark) {
                    digest = stated
                } else if let number = NamedOriginTable.hop(mark) {
                    // The mark that the mirror put first has the largest number, whatever else the client wrote.
                    hop = max(hop, number)
                } else {
                    let found = origin.map { NamedOriginTable.targets(mark, of: $0) } ?? []
                    guard !found.isEmpty else { return }
                    targets = found
                }
                rest = ahead
            }
        }
    }

    /// The path of a request with the mark that says how often its client was redirected to the mirror.
    ///
    /// - Parameter path: After `/o/`, as it was sent.
    package static func path(_ path: Substring, hop: Int) -> String {
        var rest = path.utf8[...]
        guard let first = segment(&rest) else { return String(path) }
        var ahead = rest
        if let mark = segment(&ahead), Self.hop(mark) != nil { rest = ahead }
        return "\(first)/\(hopMark)\(hop)/\(Substring(rest))"
    }

    private static func hop(_ mark: Substring) -> Int? {
        guard mark.utf8.starts(with: hopMark.utf8) else { return nil }
        let digits = mark.utf8.dropFirst(hopMark.utf8.count)
        guard (1...3).contains(digits.count), digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let number = Int(String(Substring(digits))), number <= maxHop
        else { return nil }
        return number
    }

    /// Takes the text before the next slash, and the slash.
    ///
    /// - Returns: `nil`, with nothing taken, if there is no slash.
    private static func segment(_ rest: inout Substring.UTF8View) -> Substring? {
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        defer { rest = rest[rest.index(after: slash)...] }
        return Substring(rest[..<slash])
    }

    private static func targets(_ mark: Substring, of origin: NamedOrigin) -> [LinkTarget] {
        guard let authority = PercentCoding.decode(mark.dropFirst()) else { return [] }
        return origin.links.filter { $0.url.authority == authority }.sorted { $0.url.path.utf8.count > $1.url.path.utf8.count }
    }

    private static func url(_ base: ArtifactURL, _ rest: Substring.UTF8View, _ query: String?) throws(NamedCallError) -> ArtifactURL {
        let url: ArtifactURL
        do throws(ArtifactURLError) {
            url = try ArtifactURL("\(base)\(Substring(rest))\(query.map { "?\($0)" } ?? "")")
        } catch {
            throw NamedCallError(code: .invalid, message: "the path is not that of a URL: \(error.reason)")
        }
        guard url.isBelow(base) else {
            throw NamedCallError(code: .invalid, message: "the path leads out of the origin's URL")
        }
        return url
    }
}

extension OriginRule {
    /// Of an origin without a name of its own.
    fileprivate static func unnamed(_ query: QueryRule) -> [OriginRule] {
        [
            OriginRule(appended, .mirrored, query: query), OriginRule(.everything, .mirrored, query: query, digest: .link),
            // The configuration does not allow strangers to send anything there.
            OriginRule(.everything, .refused, methods: .post),
        ]
    }

    /// What clients of Python indexes append to the link of a file; the digest in the link is that of the file.
    private static let appended = (try? PathPattern("**/*.{metadata,asc}")) ?? .nothing

    /// Nothing is sent there in the operator's name unless a rule is for it.
    fileprivate static let noPOST = OriginRule(.everything, .refused, methods: .post)

    /// For requests that no other rule of a named origin matches.
    fileprivate static let rest = OriginRule(.everything, .passed, methods: .any, query: .keep)
}

extension ArtifactURL {
    /// Whether this is below a URL, even for a server that resolves disguised `..`. A URL outside a named origin gets neither its credentials nor its
    /// rules, whatever the egress policy allows there.
    ///
    /// - Parameter base: Ends in a slash.
    func isBelow(_ base: ArtifactURL) -> Bool {
        scheme == base.scheme && host == base.host && port == base.port && path.utf8.starts(with: base.path.utf8)
            && (base.path == "/" || !path.hasHiddenTraversal)
    }
}
