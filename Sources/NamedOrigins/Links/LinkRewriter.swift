package import MirrorCore

/// Makes the links of a page lead through the mirror, while the page passes through in pieces of any size.
///
/// The result does not depend on the pieces. The memory between them is bounded: the current tag of HTML, or the current object of JSON as far as a
/// digest may follow in it. Pages in encodings that are not compatible with ASCII pass unchanged.
package struct LinkRewriter: Sendable {
    /// Changed when pages are rewritten differently from before.
    static let version = 3

    private var html: HTMLRewriter?
    private var json: JSONRewriter?

    /// - Parameters:
    ///   - contentType: The page's type, which decides if the grammar has two forms.
    ///   - page: The URL that answered, after redirects.
    ///   - prefix: The prefix of the paths of links: `/o/`, or the mirror's own URL with it. Only HTML may have the former: other clients expect
    ///     absolute URLs.
    package init(_ grammar: LinkGrammar, contentType: String?, page: ArtifactURL, prefix: String, map: any LinkMap) {
        let resolver = LinkResolver(page: page, prefix: prefix, map: map)
        switch grammar {
        case .html: html = HTMLRewriter(resolver)
        case .python:
            if contentType.map(Self.isJSON) == true { json = JSONRewriter(.pythonPage, resolver) } else { html = HTMLRewriter(resolver) }
        case .npm: json = JSONRewriter(.npmPackage, resolver)
        case .cargoConfig: json = JSONRewriter(.cargoConfig, resolver)
        case .condaRepodata: json = JSONRewriter(.condaRepodata, resolver)
        case .lfs, .fields: break
        }
    }

    /// Whether pages of a grammar can change at all.
    package static func rewrites(_ grammar: LinkGrammar) -> Bool { grammar != .fields && grammar != .lfs }

    /// - Parameter out: The bytes that can already be written are appended to it.
    package mutating func rewrite(_ bytes: UnsafeRawBufferPointer, into out: inout [UInt8]) {
        if html != nil {
            html?.rewrite(bytes, into: &out)
        } else if json != nil {
            json?.rewrite(bytes, into: &out)
        } else {
            out.append(contentsOf: bytes)
        }
    }

    /// Appends what is left after the last piece.
    package mutating func finish(into out: inout [UInt8]) {
        html?.finish(into: &out)
        json?.finish(into: &out)
    }

    /// `application/json`, `application/vnd.pypi.simple.v1+json`.
    private static func isJSON(_ contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" }.filter { $0 != " " }.lowercased()
        return type == "application/json" || type.hasSuffix("+json")
    }
}

extension LinkGrammar {
    /// Whether pages are never anything but JSON.
    var isJSON: Bool {
        switch self {
        case .npm, .cargoConfig, .condaRepodata: true
        case .html, .python, .lfs, .fields: false
        }
    }
}
