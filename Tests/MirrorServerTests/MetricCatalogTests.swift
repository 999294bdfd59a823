import MirrorEngine
import MirrorServer
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("The metric catalog")
struct MetricCatalogTests {
    @Test("docs/operations.md has the tables that the catalog makes")
    func documented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/operations.md"), encoding: .utf8)
        for table in [Self.metrics, Self.errorKinds] {
            #expect(text.contains(table), "copy this into docs/operations.md:\n\(table)")
        }
    }

    private static var metrics: String {
        let rows = MetricCatalog.all.map { "| `\($0.name)` | \($0.kind) | \($0.labels) | \($0.help) |" }
        return (["| metric | kind | labels | meaning |", "|---|---|---|---|"] + rows).joined(separator: "\n")
    }

    private static var errorKinds: String {
        let rows = ErrorKind.groups.map { group in
            "| \(group.words.map { "`\(group.prefix).\($0)`" }.joined(separator: ", ")) | \(group.meaning) |"
        }
        let other = "| `\(ErrorKind.other)` | An error that was not expected: the log says which. |"
        return (["| kind | meaning |", "|---|---|"] + rows + [other]).joined(separator: "\n")
    }
}
