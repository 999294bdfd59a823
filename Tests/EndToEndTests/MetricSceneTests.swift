import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// Each metric that is documented is made to move, and each expression that is said to be worth an alert is made to fire.
    @Suite(.timeLimit(.minutes(3)))
    struct MetricSceneTests {
        /// The metrics of the table and the expressions with a label in `docs/operations.md`.
        private static func documented() throws -> Set<String> {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            let text = try String(contentsOf: root.appending(path: "docs/operations.md"), encoding: .utf8)
            let section = try #require(text.firstRange(of: "## Watching it").map { text[$0.upperBound...] })
            let spans = section.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { !$0.offset.isMultiple(of: 2) }
            return Set(
                spans.map { String($0.element) }.filter { $0.hasPrefix("cloud_mirror_") || $0.hasPrefix("process_") }
                    .map { String($0.prefix { $0 != " " }) })
        }

        @Test("Every documented metric and alert has a scene that makes it move")
        func allHaveScenes() throws {
            let names = MetricScene.all.map(\.metric)
            #expect(Set(names).count == names.count)
            #expect(MetricScene.elsewhere.isDisjoint(with: names))
            let documented = try Self.documented()
            #expect(documented.count > 30)
            #expect(
                documented.subtracting(names).subtracting(MetricScene.elsewhere) == [],
                "these are documented, and nothing here makes them move")
            #expect(Set(names).subtracting(documented) == [], "these move, and are not documented")
        }

        @Test("A scene moves its metric", arguments: MetricScene.runnable)
        func moves(_ scene: MetricScene) async throws {
            try await scene.run()
        }
    }
}
