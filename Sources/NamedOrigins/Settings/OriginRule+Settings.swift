import MirrorCore
import MirrorSettings

extension OriginRule {
    /// The classes, as in the configuration.
    private enum Class: String, Sendable, CaseIterable {
        case mirrored, revalidated, rewritten, passed, refused
    }

    /// - Returns: `nil` after recording a problem.
    static func read(_ reader: SettingsReader) -> OriginRule? {
        let pattern = reader.required("path", .pathPattern, example: "'**/*.zip'", doc: "")
        let word: Class? = reader.required("class", .choice(), example: "mirrored", doc: "")
        var links: LinkGrammar?
        reader.value("links", &links, .choice(), doc: "")
        guard let pattern, let word else {
            readRest(of: OriginRule(.everything, .passed), reader)
            return nil
        }
        let kind: Kind
        switch word {
        case .mirrored: kind = .mirrored
        case .revalidated: kind = .revalidated
        case .rewritten:
            if links == nil { reader.report("is rewritten, but does not say which links; write links: html") }
            kind = .rewritten(links ?? .html)
        case .passed: kind = .passed
        case .refused: kind = .refused
        }
        if word != .rewritten, links != nil { reader.report("is only for the class rewritten", key: "links") }
        // A refusal applies to every method, unless the rule says otherwise.
        var rule = OriginRule(
            pattern, kind, methods: word == .refused ? .any : .read, query: word == .mirrored ? .dropSignatures : .keep)
        rule = readRest(of: rule, reader)
        check(rule, reader)
        return rule
    }

    @discardableResult
    private static func readRest(of rule: OriginRule, _ reader: SettingsReader) -> OriginRule {
        var rule = rule
        reader.value("methods", &rule.methods, .choice(), doc: "")
        reader.value("life", &rule.life, .duration(in: .zero...(.seconds(30 * 86_400))), doc: "")
        reader.value("inline", &rule.inlineLimit, .size(in: 0...1 << 40), doc: "")
        if let element = reader.custom("query", type: "", defaultNote: "", example: "", doc: ""), let query = QueryRule.read(element) {
            rule.query = query
        }
        reader.value("digest", &rule.digest, .digestPlace(rule.pattern), doc: "")
        reader.value("refuseHTML", &rule.refusesHTML, .boolean, doc: "")
        reader.value("wait", &rule.wait, .duration(in: .zero...(.seconds(3_600))), doc: "")
        reader.value("miss", &rule.miss, .choice(), doc: "")
        return rule
    }

    private static func check(_ rule: OriginRule, _ reader: SettingsReader) {
        switch rule.kind {
        case .passed, .refused: break
        case .rewritten(.lfs):
            if rule.methods != .post { reader.report("is requested by POST; write methods: post", key: "links") }
        case .mirrored, .revalidated, .rewritten:
            if rule.methods != .read {
                reader.report("is not possible for this class, which allows only reads; POST can be passed or refused", key: "methods")
            }
        }
        let keys: (own: [String], class: String) =
            switch rule.kind {
            case .mirrored: (["life"], "revalidated or rewritten")
            case .revalidated, .rewritten: (["inline", "digest", "wait", "miss"], "mirrored")
            case .passed, .refused:
                (["life", "inline", "query", "digest", "refuseHTML", "wait", "miss"], "mirrored, revalidated or rewritten")
            }
        if rule.kind != .mirrored, rule.query == .dropSignatures, !keys.own.contains("query") {
            reader.report("leaves out of a page's URL what the origin asks for; write keep, drop or a list of names", key: "query")
        }
        for key in keys.own where reader.has(key) { reader.report("is only for rules of the class \(keys.class)", key: key) }
    }
}

extension SettingKind where Value == PathPattern {
    fileprivate static var pathPattern: Self {
        SettingKind(
            name: "path pattern",
            parse: { (text, _) throws(InvalidValue) in
                do throws(PathPattern.SyntaxError) { return try PathPattern(text) } catch { throw InvalidValue(error.reason) }
            }, text: { $0.description })
    }
}

extension SettingKind where Value == DigestPlace {
    /// - Parameter pattern: Of the rule.
    fileprivate static func digestPlace(_ pattern: PathPattern) -> Self {
        SettingKind(
            name: "path, link or a header field",
            parse: { (text, _) throws(InvalidValue) in
                switch text {
                case "link": return .link
                case "path":
                    switch pattern.digitCount {
                    case 40: return .path(.sha1)
                    case 64: return .path(.sha256)
                    case 128: return .path(.sha512)
                    default: throw InvalidValue("needs hexadecimal digits in the rule's path, such as {digest:hex64}")
                    }
                default:
                    guard FieldName.isValid(text) else { throw InvalidValue("is neither path, link nor the name of a header field") }
                    return .field(text)
                }
            },
            text: { place in
                switch place {
                case .path: "path"
                case .link: "link"
                case .field(let name): name
                }
            })
    }
}

/// The name of a header field (RFC 9110 §5.1).
enum FieldName {
    static func isValid(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
