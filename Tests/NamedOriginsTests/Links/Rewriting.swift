import MirrorCore
import Testing

@testable import NamedOrigins

/// A page before and after its links are rewritten.
struct Rewriting {
    static let digits = String(repeating: "ab", count: 32)
    private static let places = [
        ("https://files.example/", "pip/~files.example/"), ("https://index.example/", "pip/"), ("https://registry.example/", "npm/"),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443/"),
    ]

    var grammar = LinkGrammar.html
    var page = "https://index.example/simple/x/"
    var contentType: String?
    var prefix = "/o/"
    var isWhole = true

    /// - Parameter cuts: Where the page is cut, in bytes.
    func run(_ text: String, cuts: [Int] = []) throws -> String {
        var rewriter = LinkRewriter(
            grammar, contentType: contentType, page: try ArtifactURL(page), prefix: prefix,
            map: try TestLinks(Self.places.map { (url: $0.0, path: $0.1) }, isWhole: isWhole))
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var start = 0
        for end in cuts + [bytes.count] {
            bytes[start..<end].withUnsafeBytes { rewriter.rewrite($0, into: &out) }
            start = end
        }
        rewriter.finish(into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    /// Checks what comes of a page, in one piece, in any two pieces, and byte by byte.
    func expect(_ text: String, _ rewritten: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try run(text) == rewritten, sourceLocation: sourceLocation)
        let count = text.utf8.count
        for cut in 0...count { #expect(try run(text, cuts: [cut]) == rewritten, "cut at \(cut)", sourceLocation: sourceLocation) }
        #expect(try run(text, cuts: Array(0...count)) == rewritten, "byte by byte", sourceLocation: sourceLocation)
        // Links to places that are looked up each time are the same.
        var other = self
        other.isWhole = false
        #expect(try other.run(text) == rewritten, "without memory", sourceLocation: sourceLocation)
    }
}
