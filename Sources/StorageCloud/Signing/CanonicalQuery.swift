import MirrorCore

/// A query, encoded and sorted for signing.
package struct CanonicalQuery {
    private let items: [(name: String, value: String?)]

    package init(_ query: [(name: String, value: String?)]) {
        items =
            query
            .map { (name: PercentCoding.encode($0.name), value: $0.value.map { PercentCoding.encode($0) }) }
            // By the pair, not by `name=value`: "a-b" sorts after "a", although "-" sorts before "=".
            .sorted { $0.name == $1.name ? ($0.value ?? "") < ($1.value ?? "") : $0.name < $1.name }
    }

    /// As it is signed: every name is followed by `=`.
    package var signed: String { text { $0 + "=" } }

    /// As it is sent.
    package var wire: String { text { $0 } }

    private func text(nameAlone: (String) -> String) -> String {
        if items.isEmpty { return "" }
        var text = ""
        text.reserveCapacity(512)
        for (name, value) in items {
            if !text.isEmpty { text += "&" }
            if let value {
                text += name
                text += "="
                text += value
            } else {
                text += nameAlone(name)
            }
        }
        return text
    }
}
