import MirrorCore
import MirrorNet
import MirrorSettings

extension EgressPolicy.AllowRule {
    /// Reads a rule that is written as a mapping.
    ///
    /// - Returns: `nil` after recording a problem.
    static func read(_ section: SettingsReader) -> EgressPolicy.AllowRule? {
        var query = QueryRule.dropSignatures
        var prefix: EgressPolicy.AllowRule?
        if let element = section.custom("query", type: "", defaultNote: "", example: "", doc: ""), let read = QueryRule.read(element) {
            query = read
        }
        section.value("prefix", &prefix, .originPrefix, doc: "")
        guard section.has("prefix") else {
            return section.required("pattern", .originPattern, example: "'^https://…/'", doc: "")?.with(query)
        }
        var pattern: EgressPolicy.AllowRule?
        section.value("pattern", &pattern, .originPattern, doc: "")
        if section.has("pattern") { section.report("cannot be combined with prefix; keep one of them", key: "pattern") }
        return prefix?.with(query)
    }

    private func with(_ query: QueryRule) -> EgressPolicy.AllowRule {
        switch self {
        case .anyPublic: .anyPublic
        case .prefix(let url, _): .prefix(url, query: query)
        case .pattern(let text, _): .pattern(text, query: query)
        }
    }
}

extension SettingKind where Value == EgressPolicy.AllowRule {
    static var originPrefix: Self {
        SettingKind(
            name: "URL prefix",
            parse: { (text, _) throws(InvalidValue) in
                do throws(ArtifactURLError) { return .prefix(try ArtifactURL(text)) } catch {
                    throw InvalidValue("is not a valid URL prefix: \(error.reason)")
                }
            }, text: Self.text)
    }

    static var originPattern: Self {
        SettingKind(name: "regular expression", parse: { (text, _) in .pattern(text) }, text: Self.text)
    }

    private static func text(_ rule: EgressPolicy.AllowRule) -> String {
        switch rule {
        case .anyPublic: ""
        case .prefix(let url, _): url.description
        case .pattern(let text, _): text
        }
    }
}
