import MirrorCore

/// An artifact on the command line: its URL, or the path below `/o/` that clients ask for.
enum ArtifactName {
    case url(ArtifactURL)
    /// Begins with `/o/`; only the mirror knows which URL it means.
    case named(String)

    /// - Throws: `ArtifactURLError`, which says what is wrong with a URL.
    init(_ text: String) throws(ArtifactURLError) {
        let isPath =
            text.utf8.starts(with: "/o/".utf8) && text.utf8.count <= ArtifactURL.maxLength
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        self = isPath ? .named(text) : .url(try ArtifactURL(text))
    }

    /// As it appears in routes.
    var text: String {
        switch self {
        case .url(let url): url.description
        case .named(let path): path
        }
    }

    /// The form for messages: without a query, which may contain a signature.
    var shown: String {
        switch self {
        case .url(let url): url.redacted
        case .named(let path): String(path.prefix { $0 != "?" })
        }
    }
}
