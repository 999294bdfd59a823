import Foundation
import MirrorCore
import MirrorEngine
import MirrorServer
import TestServers
import Testing

@testable import MirrorNode

@Suite(.timeLimit(.minutes(1)))
struct RedirectLogFileTests {
    @Test func `of thousands of requests with one answer, each has a line or is counted among those without one`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/redirects"
        let (log, registry) = (RedirectLog(), MetricsRegistry())
        let file = RedirectLogFile(of: log, isUsed: true, metrics: HousekeepingMetrics(factory: registry))
        file.begin(try file.open(path))
        let artifact = try ArtifactURL("https://a.example/" + String(repeating: "x", count: 8_000))
        let pool = try #require(PoolID("local/dev"))
        // More than may wait to be written.
        log.record(artifact, in: pool, bytes: 1, .wait, requests: 60_000, at: Timestamp(milliseconds: 0))
        file.flush(within: .seconds(50))
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        let written = text.split(separator: "\n").count { $0.contains(#""outcome":"wait""#) }
        let dropped = registry.values(of: HousekeepingMetrics.Name.droppedLogLines).reduce(0) { $0 + $1.value }
        #expect(written > 0)
        #expect(written + Int(dropped) == 60_000)
        withExtendedLifetime(directory) {}
    }
}
