package import MirrorCore

/// Decides which artifact URLs may be fetched, on every hop of a redirect chain. Deny by default: a URL passes only if a rule allows it.
package struct EgressPolicy: Sendable, Equatable {
    /// Which URLs are allowed.
    package enum AllowRule: Sendable, Hashable {
        /// Every URL with a public address on the scheme's default port: the rule that applies without a configuration.
        case anyPublic
        /// URLs with the same scheme, host and port, and a path that begins with this one's.
        ///
        /// A path that does not end in `/` matches itself and everything below it: `/builds` allows `/builds` and `/builds/a`, but not `/builds2`.
        case prefix(ArtifactURL, query: QueryRule = .dropSignatures)
        /// URLs whose canonical form matches an anchored regular expression, `^https://host/…`; see ``URLPattern`` for its syntax.
        case pattern(String, query: QueryRule = .dropSignatures)

        /// Which part of the query belongs to the names of the artifacts that the rule allows.
        package var query: QueryRule {
            switch self {
            case .anyPublic: .dropSignatures
            case .prefix(_, let query), .pattern(_, let query): query
            }
        }
    }

    package let allow: [AllowRule]
    /// Whether http is refused on every hop. Redirects from https to http are never followed.
    package let requireHTTPS: Bool
    /// How many redirects are followed; 0 or more.
    package let maxRedirects: Int
    package let addressGuard: AddressGuard

    /// One for each rule; `nil` for rules that are not patterns.
    private let patterns: [URLPattern?]

    package static let defaultMaxRedirects = 10

    /// The policy that applies without a configuration.
    package init() {
        allow = [.anyPublic]
        patterns = [nil]
        requireHTTPS = true
        maxRedirects = Self.defaultMaxRedirects
        addressGuard = AddressGuard()
    }

    /// - Throws: ``EgressPolicyError``, which names every rule that is wrong.
    package init(
        allow rules: [AllowRule] = [.anyPublic], requireHTTPS: Bool = true, allowAddresses: [IPNetwork] = [],
        maxRedirects: Int = EgressPolicy.defaultMaxRedirects
    ) throws(EgressPolicyError) {
        var problems: [String] = []
        var patterns: [URLPattern?] = []
        for rule in rules {
            do {
                patterns.append(try Self.pattern(of: rule, requireHTTPS: requireHTTPS))
            } catch {
                problems += error.problems
            }
        }
        if maxRedirects < 0 { problems.append("the number of redirects is negative") }
        guard problems.isEmpty else { throw EgressPolicyError(problems) }
        allow = rules
        self.requireHTTPS = requireHTTPS
        self.maxRedirects = maxRedirects
        self.patterns = patterns
        addressGuard = AddressGuard(allowed: allowAddresses)
    }

    /// The patterns need no comparison, because they follow from the rules.
    package static func == (one: EgressPolicy, other: EgressPolicy) -> Bool {
        one.allow == other.allow && one.requireHTTPS == other.requireHTTPS && one.maxRedirects == other.maxRedirects
            && one.addressGuard == other.addressGuard
    }

    /// Checks everything that can be checked without a name server.
    ///
    /// - Parameter previous: The URL that redirected to this one.
    package func check(_ url: ArtifactURL, after previous: ArtifactURL? = nil) throws(EgressRefusal) {
        if url.scheme == .http {
            if let previous, previous.scheme == .https {
                throw EgressRefusal(.downgrade, "\(previous.redacted) redirects from https to http, to \(url.redacted)")
            }
            if requireHTTPS {
                throw EgressRefusal(.plainHTTP, "\(url.redacted) is not https; set origins.requireHTTPS to false if http is intended")
            }
        }
        var refusal: EgressRefusal?
        for (rule, pattern) in zip(allow, patterns) {
            do {
                guard try Self.matches(rule, pattern, url) else { continue }
                return try addressGuard.check(host: url.host)
            } catch {
                refusal = error
            }
        }
        throw refusal ?? EgressRefusal(.notListed, "\(url.redacted) matches no rule in origins.allow")
    }

    /// Which part of a URL's query belongs to the artifact's name: the first rule that allows the URL decides.
    package func queryRule(for url: ArtifactURL) -> QueryRule {
        // A URL without a rule is refused anyway; the default keeps signatures out of its name.
        rule(for: url)?.query ?? .dropSignatures
    }

    /// The first rule that allows a URL.
    package func rule(for url: ArtifactURL) -> AllowRule? {
        for (rule, pattern) in zip(allow, patterns) where (try? Self.matches(rule, pattern, url)) == true { return rule }
        return nil
    }

    private static func matches(_ rule: AllowRule, _ pattern: URLPattern?, _ url: ArtifactURL) throws(EgressRefusal) -> Bool {
        let isWholeHost: Bool
        switch rule {
        case .anyPublic:
            return url.port == url.scheme.defaultPort
        case .prefix(let prefix, _):
            guard url.scheme == prefix.scheme, url.host == prefix.host, url.port == prefix.port, url.path.hasPathPrefix(prefix.path) else {
                return false
            }
            isWholeHost = prefix.path == "/"
        case .pattern:
            guard let pattern, pattern.matches(url) else { return false }
            isWholeHost = pattern.isWholeHost
        }
        guard isWholeHost || !url.path.hasHiddenTraversal else {
            throw EgressRefusal(
                .traversal, "the path of \(url.redacted) holds a disguised .. or a backslash, which could leave what is allowed")
        }
        return true
    }

    private static func pattern(of rule: AllowRule, requireHTTPS: Bool) throws(EgressPolicyError) -> URLPattern? {
        switch rule {
        case .anyPublic:
            return nil
        case .prefix(let url, _):
            guard url.query == nil else { throw EgressPolicyError(["\(url.redacted): an allowed prefix has no query"]) }
            try checkScheme(url.scheme, of: url.description, requireHTTPS: requireHTTPS)
            return nil
        case .pattern(let text, _):
            let pattern = try URLPattern(text)
            try checkScheme(pattern.scheme, of: text, requireHTTPS: requireHTTPS)
            return pattern
        }
    }

    private static func checkScheme(_ scheme: ArtifactURL.Scheme, of rule: String, requireHTTPS: Bool) throws(EgressPolicyError) {
        guard scheme == .http, requireHTTPS else { return }
        throw EgressPolicyError(["\(rule): allows http while origins.requireHTTPS is true"])
    }
}

package struct EgressPolicyError: Error, Sendable, Hashable, CustomStringConvertible {
    package let problems: [String]

    init(_ problems: [String]) {
        self.problems = problems
    }

    package var description: String { problems.joined(separator: "; ") }
}

extension String {
    fileprivate func hasPathPrefix(_ prefix: String) -> Bool {
        guard utf8.starts(with: prefix.utf8) else { return false }
        return prefix.utf8.last == UInt8(ascii: "/") || utf8.count == prefix.utf8.count
            || utf8.dropFirst(prefix.utf8.count).first == UInt8(ascii: "/")
    }
}
