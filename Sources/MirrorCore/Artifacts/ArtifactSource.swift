/// Which part of a URL's query belongs to the artifact's name. All of it is part of what is fetched.
package enum QueryRule: Sendable, Hashable {
    /// All of it.
    case keep
    /// All but the parameters of a signature.
    case dropSignatures
    /// Nothing.
    case drop
    /// The parameters of these names.
    case only(QueryNames)
}

/// An artifact in the words of a client: its name, and the URL that fetches it.
package struct ArtifactSource: Sendable, Hashable {
    package let name: ArtifactURL
    /// The name, or the name with another query.
    package let url: ArtifactURL

    /// An artifact whose name is all that it takes to fetch it.
    package init(_ name: ArtifactURL) {
        self.name = name
        url = name
    }

    package init(_ url: ArtifactURL, _ rule: QueryRule) {
        self.url = url
        guard let query = url.query else {
            name = url
            return
        }
        let left: String? =
            switch rule {
            case .keep: query
            case .drop: nil
            case .dropSignatures: SignatureParameters.removing(from: query)
            case .only(let names): names.keeping(in: query)
            }
        name = left == query ? url : url.replacingQuery(with: left)
    }

    /// A name with the query that was kept for it.
    package init(_ name: ArtifactURL, query: FetchQuery?) {
        self.name = name
        url = query.map { name.replacingQuery(with: $0.text) } ?? name
    }

    /// What fetches the artifact and is not in its name; `nil` when the name is all.
    package var query: FetchQuery? { url == name ? nil : url.query.map { FetchQuery($0) } }
}

/// The query that an artifact is fetched with where that is not part of its name: most often a signature, and so a secret.
///
/// It stands in no record, listing, log, error or metadata: whatever prints one gets an ellipsis.
public struct FetchQuery: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// For how long a store keeps one.
    public static let life: Duration = .seconds(3_600)

    /// Without the `?`.
    public let text: String

    /// - Parameter text: Without the `?`.
    public init(_ text: String) {
        self.text = text
    }

    public var description: String { "…" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
