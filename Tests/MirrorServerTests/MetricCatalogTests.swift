import MirrorServer
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("The metric catalog")
struct MetricCatalogTests {
    @Test("docs/operations.md has the table that the catalog makes")
    func documented() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/operations.md"), encoding: .utf8)
        #expect(text.contains(MetricCatalog.markdown), "copy this into docs/operations.md:\n\(MetricCatalog.markdown)")
        #expect(text.contains(MetricCatalog.errorKinds), "copy this into docs/operations.md:\n\(MetricCatalog.errorKinds)")
    }
}
