import MirrorCore
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: time is divided into periods, for each artifact differently")
struct ActivityPeriodsTests {
    private let periods = ActivityPeriods(coarseness: .seconds(30), least: .seconds(30))
    private let start = Timestamp(milliseconds: 1_700_000_000_000)

    private func artifact(_ path: String) throws -> ArtifactURL { try ArtifactURL("https://artifacts.example.org/\(path)") }

    @Test("Of many artifacts that are used all the time, about a tenth begin a period in each thirty seconds")
    func spread() throws {
        let artifacts = try (0..<1_000).map { try artifact("\($0)") }
        for step in 0..<10 {
            let time = start + .seconds(30 * step)
            let due = artifacts.count { periods.isFirst(of: $0, at: time, after: time - .seconds(30)) }
            #expect((60...140).contains(due), "step \(step): \(due)")
        }
    }

    @Test("Periods are the same in each process")
    func sameEverywhere() throws {
        let artifact = try artifact("a")
        // By the SHA-256 of its name, a period of it begins then.
        let begin = start + .milliseconds(7_486)
        let last = Timestamp(milliseconds: begin.milliseconds - 1)
        #expect(periods.isFirst(of: artifact, at: begin, after: last))
        #expect(!periods.isFirst(of: artifact, at: last, after: begin - .seconds(300)))
        #expect(!periods.isFirst(of: artifact, at: begin + .milliseconds(299_999), after: begin))
    }

    @Test("Where a longer period begins, a shorter one does, too", arguments: Array(stride(from: 65, through: 905, by: 35)))
    func nested(coarseness: Int) throws {
        let artifact = try artifact("a")
        let longer = ActivityPeriods(coarseness: .seconds(coarseness), least: .seconds(30))
        var (begun, shorter) = (0, 0)
        for step in 0..<1_000 {
            let time = start + .seconds(30 * step)
            let isFirst = periods.isFirst(of: artifact, at: time, after: time - .seconds(30))
            if isFirst { shorter += 1 }
            guard longer.isFirst(of: artifact, at: time, after: time - .seconds(30)) else { continue }
            begun += 1
            #expect(isFirst, "step \(step)")
        }
        #expect(begun > 0 && 2 * begun <= shorter + 1)
    }

    @Test("Times that only a wrong clock has are no trap")
    func extremes() throws {
        let artifact = try artifact("a")
        let times = [Int64.min, -1, 0, Int64.max].map { Timestamp(milliseconds: $0) }
        for time in times {
            #expect(!periods.isFirst(of: artifact, at: time, after: time))
            #expect(periods.isFirst(of: artifact, at: start, after: time))
        }
    }

    @Test("Where each use is written, each is the first one")
    func noPeriods() throws {
        let none = ActivityPeriods(coarseness: .zero, least: .zero)
        #expect(none.isFirst(of: try artifact("a"), at: start, after: start))
    }
}
