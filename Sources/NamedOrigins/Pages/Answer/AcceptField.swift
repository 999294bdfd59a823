/// What a client accepts, in a canonical form: clients that want the same have the same value.
struct AcceptField: Sendable, Equatable {
    /// The number of media types after which the field is not read further.
    private static let maxTypes = 32

    /// What is requested from the origin; this also distinguishes the forms of a page.
    let text: String

    /// - Parameters:
    ///   - value: The client's field; `nil` if there is none.
    ///   - grammar: The grammar of pages that are known to have only a few forms.
    ///   - known: The media types between which the origin chooses, see ``OriginRule/types``. All others count as any, and weights do not count.
    init(_ value: String?, for grammar: LinkGrammar?, among known: [String]? = nil) {
        let types = Self.types(value ?? "*/*")
        switch grammar {
        case .python: text = Self.python(types)
        case .npm:
            text =
                types.contains { $0.name == "application/vnd.npm.install-v1+json" && $0.weight > 0 }
                ? "application/vnd.npm.install-v1+json, application/json;q=0.8" : "application/json"
        case .html, .cargoConfig, .condaRepodata, .lfs, .fields, nil:
            let kept = types.filter { $0.weight > 0 }
            if let known {
                let chosen = known.filter { name in kept.contains { $0.name == name } }
                text = (chosen.count < kept.count || chosen.isEmpty ? chosen + ["*/*"] : chosen).joined(separator: ", ")
                return
            }
            text =
                kept.isEmpty
                ? "*/*" : kept.map { $0.weight == 1_000 ? $0.name : "\($0.name);q=\(Self.text($0.weight))" }.joined(separator: ", ")
        }
    }

    /// JSON if it is preferred to HTML, as pip and uv do; old clients only know `text/html` (PEP 691).
    private static func python(_ types: [MediaRange]) -> String {
        func weight(_ names: String...) -> Int { types.filter { names.contains($0.name) }.map(\.weight).max() ?? 0 }
        let json = weight("application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json")
        let html = weight("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html")
        if json > 0, json >= max(html, weight("text/html")) {
            return "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
        }
        return html > 0 ? "application/vnd.pypi.simple.v1+html, text/html;q=0.5" : "text/html"
    }

    private struct MediaRange {
        let name: String
        /// In thousandths.
        let weight: Int
    }

    /// The preferred ones first, and equal ones by name; parameters other than the weight are part of the name.
    private static func types(_ value: String) -> [MediaRange] {
        var types: [String: Int] = [:]
        for element in value.split(separator: ",").prefix(maxTypes) {
            var parts = element.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let type = parts.first, type.utf8.contains(UInt8(ascii: "/")), type.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                continue
            }
            // The type itself is not a parameter, whatever it looks like.
            parts.removeFirst()
            let thousandths = parts.first { $0.hasPrefix("q=") }.map { Self.thousandths($0.dropFirst(2)) } ?? 1_000
            parts.removeAll { $0.hasPrefix("q=") }
            parts.removeAll { $0.isEmpty || !$0.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
            let name = ([type] + parts).joined(separator: ";")
            types[name] = max(types[name] ?? 0, thousandths)
        }
        return types.map { MediaRange(name: $0.key, weight: $0.value) }.sorted { ($1.weight, $0.name) < ($0.weight, $1.name) }
    }

    /// A weight (RFC 9110 §12.4.2); an unreadable one counts as 1.
    private static func thousandths(_ text: Substring) -> Int {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ Int($0) }), (0...1).contains(whole), parts.count <= 2 else { return 1_000 }
        let digits = parts.count == 2 ? String(parts[1].prefix(3)) : ""
        guard digits.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else { return 1_000 }
        let fraction = Int(digits + String(repeating: "0", count: 3 - digits.utf8.count)) ?? 0
        return min(whole * 1_000 + fraction, 1_000)
    }

    private static func text(_ weight: Int) -> String {
        let digits = String(weight + 1_000).dropFirst()
        return "0.\(digits)"
    }
}
