import MirrorCore
package import MirrorSettings

extension NamedOrigin {
    /// Origins that a file may name.
    private static let maxCount = 200
    /// Rules of one origin's own.
    private static let maxRules = 200

    /// Reads the key `named`, a mapping from names to origins.
    ///
    /// - Parameter requireHTTPS: Whether plain HTTP is refused.
    package static func read(_ reader: SettingsReader, requireHTTPS: Bool) -> [NamedOrigin] {
        let element = reader.custom(
            "named", type: "mapping of names to {url, preset, rules, …}", defaultNote: "{}",
            example: "{pip: {url: https://pypi.org/, preset: python}}", doc: documentation)
        guard let named = element?.entries(.originName) else { return [] }
        if named.count > maxCount { element?.report("has more than \(maxCount) origins") }
        return named.prefix(maxCount).compactMap { name, element in
            var origin: NamedOrigin?
            element.section { origin = read(name, $0, requireHTTPS: requireHTTPS) }
            return origin
        }
    }

    private static let documentation =
        "Origins that clients request as `/o/NAME/PATH`, each with its rules. PATH is appended to `url`. `preset` has the rules of an "
        + "ecosystem (`\(Preset.allCases.map(\.rawValue).joined(separator: "`, `"))`); `rules` take precedence over them, and requests "
        + "that match no rule are redirected to the origin. A rule has `path`, a pattern such as `/simple/{project}/`, `**/*.{whl,zip}` or "
        + "`/blobs/sha256:{digest:hex64}`, and `class`: `mirrored` (copied; for files that never change), `revalidated` (a page, kept for "
        + "its `life` and then revalidated), `rewritten` (a page whose links are rewritten; `links` is their kind: "
        + "`\(LinkGrammar.allCases.map(\.rawValue).joined(separator: "`, `"))`), `passed` (redirected to the origin) or `refused`. It may also have "
        + "`methods` (`read`, `post`, `any`; by default `any` for `refused`, and `read` for the others), `life` (60s), `inline` (the size "
        + "up to which the mirror sends a file itself), `query` (as in `allow`; for a page, the origin is only sent what belongs to the name), "
        + "`digest` (`path`, `link` or the name of a header field), `refuseHTML`, `wait`, "
        + "and `miss`: what to do while there is no copy (`\(Miss.allCases.map(\.rawValue).joined(separator: "`, `"))`). `links` lists "
        + "other URLs that the origin's pages link to. `delivery` is `redirect`, `inline` (the mirror sends the bytes) or `origin`. `credentials` are for the origin: `client` (the "
        + "client's own, for its request alone), `{user, passwordFile}`, `{tokenFile}` or `{header, valueFile}`. URLs below `url` and "
        + "`links` may be fetched without a rule in `allow`."

    private static func read(_ name: String, _ reader: SettingsReader, requireHTTPS: Bool) -> NamedOrigin? {
        let url = reader.required("url", .originBase(requireHTTPS: requireHTTPS), example: "https://origin.example.org/", doc: "")
        var preset: Preset?
        reader.value("preset", &preset, .choice(), doc: "")
        var delivery = Delivery.redirect
        reader.value("delivery", &delivery, .choice(), doc: "")
        var links: [ArtifactURL] = []
        reader.list("links", &links, .originBase(requireHTTPS: requireHTTPS), doc: "")
        var credentials = UpstreamCredentials.none
        if let element = reader.custom("credentials", type: "", defaultNote: "", example: "", doc: "") {
            credentials = UpstreamCredentials.read(element) ?? .none
        }
        var rules: [OriginRule] = []
        reader.sectionList("rules", type: "", example: "", doc: "") { section in
            if let rule = OriginRule.read(section) { rules.append(rule) }
        }
        if rules.count > maxRules { reader.report("has more than \(maxRules) rules", key: "rules") }
        if !reader.has("preset"), !reader.has("rules") {
            reader.report("has neither preset nor rules, so that nothing would be mirrored; write preset: python, or rules")
        }
        guard let url else { return nil }
        for (place, link) in links.enumerated() where link == url || links[..<place].contains(link) {
            reader.report("names \(link) twice", key: "links")
        }
        let known = preset?.links(of: url.host).filter { known in !links.contains(known.url) } ?? []
        return NamedOrigin(
            name: name, url: url, preset: preset, rules: rules + (preset?.rules ?? []), credentials: credentials,
            exchangesTokens: preset?.exchangesTokens ?? false, delivery: delivery, links: links.map(LinkTarget.init) + known)
    }
}

extension SettingKind where Value == String {
    fileprivate static var originName: Self {
        SettingKind(
            name: "origin name",
            problem: "is not a name for an origin; write 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit, such as pip"
        ) { text in
            let isName =
                (1...63).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-") && text != "localhost"
                && text.utf8.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                        || $0 == UInt8(ascii: "-")
                }
            return isName ? text : nil
        }
    }
}

extension SettingKind where Value == ArtifactURL {
    /// The URL that paths are appended to: with a slash at the end, even if it is written without one.
    fileprivate static func originBase(requireHTTPS: Bool) -> Self {
        SettingKind(
            name: "URL",
            parse: { (text, context) throws(InvalidValue) in
                let url = try SettingKind<ArtifactURL>.locationURL.parse(text, context)
                guard url.scheme == .https || !requireHTTPS else { throw InvalidValue("is plain HTTP, but origins.requireHTTPS is true") }
                guard url.path.utf8.last != UInt8(ascii: "/") else { return url }
                do throws(ArtifactURLError) { return try ArtifactURL("\(url)/") } catch {
                    throw InvalidValue("is not a URL: \(error.reason)")
                }
            }, text: { $0.description })
    }
}
