import MirrorCore
import Testing

@testable import CloudMirror

@Suite("The lines of top")
struct TopReportTests {
    private func stats(
        _ redirects: [String: Int64], uptime: Int64, copied: Int64 = 0, avoided: Int64 = 0, origins: [StatsCall.Origin] = []
    ) -> StatsCall.Answer {
        StatsCall.Answer(
            redirects: redirects, copies: [:], copiedBytes: copied, egressAvoidedBytes: avoided, evictions: 0, waiting: 3,
            uptimeSeconds: uptime, origins: origins, coldClaims: StatsCall.ColdClaims(spentNetworks: 0, networks: []))
    }

    private func cells(_ line: Substring) -> [String] { line.split(separator: " ").map(String.init) }

    @Test("Counts become rates, and every twentieth line has the names of the columns above it")
    func rates() {
        var report = TopReport()
        let origin = StatsCall.Origin(origin: "https://a.example", queued: 4, running: 2, slow: 0, bytesPerSecond: 0, slowed: 0)
        let first = stats(["hit": 10, "refused": 1], uptime: 5)
        let second = stats(["hit": 30, "wait": 1, "refused": 4], uptime: 7, copied: 2_048, avoided: 4_194_304, origins: [origin, origin])
        let lines = report.lines(from: first, to: second, in: .seconds(2)).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].contains("HIT/S"))
        #expect(cells(lines[1]) == ["10.0", "0.5", "0.0", "1.5", "3", "4", "8", "1.0", "KiB", "2.0", "MiB"])
        #expect(Set(lines.map(\.count)).count == 1)
        for _ in 0..<19 { #expect(report.lines(from: first, to: second, in: .seconds(2)).split(separator: "\n").count == 1) }
        #expect(report.lines(from: first, to: second, in: .seconds(2)).split(separator: "\n").count == 2)
    }

    @Test("A mirror that was started again counts from nothing")
    func restart() {
        var report = TopReport()
        let (before, after) = (stats(["hit": 1_000], uptime: 50), stats(["hit": 6], uptime: 1))
        let lines = report.lines(from: before, to: after, in: .seconds(2)).split(separator: "\n")
        #expect(cells(lines[1]).first == "3.0")
    }

    @Test("Numbers that no mirror should send do no harm")
    func absurd() {
        var report = TopReport()
        let worst = stats(["hit": .max, "wait": .max, "x": .min], uptime: 1, copied: .max, avoided: .min)
        _ = report.lines(from: worst, to: worst, in: .zero)
        _ = report.lines(from: stats([:], uptime: 2), to: worst, in: .zero)
    }
}
