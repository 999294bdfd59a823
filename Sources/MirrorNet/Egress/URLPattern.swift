package import MirrorCore

/// A regular expression over canonical URLs with an unambiguous host: `^https://host/…`.
///
/// After `^`, the scheme, a host (and a port) written out with escaped dots, and the first slash, it supports a subset of the usual syntax:
/// characters, `\` before punctuation, `.`, `[a-z]`, `[^/]`, `\d` `\w` `\s` and their opposites, groups, `|` within a group, `*` `+` `?` `{2,4}` (a `?`
/// after them changes nothing), and `$` at the end. Without `$`, anything may follow.
///
/// Matching takes time proportional to the length of the URL times that of the pattern, whatever the pattern: all alternatives are followed at once, so
/// that a stranger's URL cannot cause backtracking.
package struct URLPattern: Sendable {
    let scheme: ArtifactURL.Scheme
    let host: String
    let port: Int
    /// Whether every path on the host matches.
    let isWholeHost: Bool

    private let program: PatternProgram

    /// - Throws: ``EgressPolicyError``, which says what is wrong.
    package init(_ text: String) throws(EgressPolicyError) {
        func problem(_ what: String) -> EgressPolicyError { EgressPolicyError(["the pattern \(text) \(what)"]) }
        var rest = Substring(text)
        guard rest.removePrefix("^") else { throw problem("does not begin with ^") }
        if rest.removePrefix("https:") {
            scheme = .https
        } else if rest.removePrefix("http:") {
            scheme = .http
        } else {
            throw problem("does not begin with ^https:// or ^http://")
        }
        // Escaped slashes, as in JavaScript, are accepted.
        guard rest.removePrefix("/") || rest.removePrefix("\\/"), rest.removePrefix("/") || rest.removePrefix("\\/") else {
            throw problem("does not begin with ^https:// or ^http://")
        }
        var authority = ""
        while let character = rest.first, character != "/", !rest.hasPrefix("\\/") {
            rest.removeFirst()
            switch character {
            case "\\" where rest.hasPrefix(".") || rest.hasPrefix("-"): authority.append(rest.removeFirst())
            case ".": throw problem("has a dot in its host that matches any character; write \\.")
            case "a"..."z", "0"..."9", "-", "_", ":": authority.append(character)
            default: throw problem("has \(character) in its host, which must be written out in lower case")
            }
        }
        guard rest.removePrefix("/") || rest.removePrefix("\\/") else {
            throw problem("does not end its host with a slash, so that longer host names would match too")
        }
        let parsed: ArtifactURL
        do {
            parsed = try ArtifactURL("\(scheme.rawValue)://\(authority)/")
        } catch {
            throw problem("has no host: \(error.reason)")
        }
        host = parsed.host
        port = parsed.port
        do {
            program = try PatternProgram("/" + rest)
        } catch {
            throw problem(error.reason)
        }
        isWholeHost = rest.isEmpty || rest == ".*" || rest == ".*$"
    }

    package func matches(_ url: ArtifactURL) -> Bool {
        guard url.scheme == scheme, url.host == host, url.port == port else { return false }
        return program.matches(Array(url.path.utf8) + (url.query.map { Array("?\($0)".utf8) } ?? []))
    }
}

extension Substring {
    fileprivate mutating func removePrefix(_ prefix: String) -> Bool {
        guard hasPrefix(prefix) else { return false }
        removeFirst(prefix.count)
        return true
    }
}
