/// Which part of a URL's query belongs to the artifact's name. The fetch always uses the whole query.
package enum QueryRule: Sendable, Hashable {
    /// The whole query.
    case keep
    /// All but the parameters of a signature.
    case dropSignatures
    /// Nothing.
    case drop
    /// The parameters of these names.
    case only(QueryNames)
}

/// An artifact as a client requested it: its name, and the URL that fetches it.
package struct ArtifactSource: Sendable, Hashable {
    package let name: ArtifactURL
    /// The name, or the name with another query.
    package let url: ArtifactURL

    /// An artifact that can be fetched by its name alone.
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

    /// An artifact's name with the query that was kept for it.
    package init(_ name: ArtifactURL, query: FetchQuery?) {
        self.name = name
        url = query.map { name.replacingQuery(with: $0.text) } ?? name
    }

    /// The query for fetching the artifact, if it is not in the name; `nil` if the name is enough.
    package var query: FetchQuery? { url == name ? nil : url.query.map { FetchQuery($0) } }
}

/// The query that an artifact is fetched with, if it is not part of the name: usually a signature, and therefore secret.
///
/// It never appears in a record, listing, log, error or metadata: printing it gives an ellipsis.
public struct FetchQuery: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// How long a store keeps a query.
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
