import Foundation
import MirrorCore
import Retention
import TestServers
import Testing

@testable import CloudMirror

@Suite("What plan says") struct PlanTests {
    private static let price = #"{"egress": 1, "storage": 730, "put": 0, "get": 0}"#
    private static let set = #"{"originGet": 0, "part": 268435456, "default": \#(price)}"#

    static func options(_ traces: [String]) throws -> PlanOptions {
        PlanOptions(traces: traces, prices: try PlanPrices(json: Array(set.utf8), origin: nil, service: "s3"))
    }

    static func total(_ result: PlanResult, _ policy: ReplayPolicy) throws -> Double {
        try #require(result.ledger(of: policy)).total
    }

    /// Writes a file.
    static func file(_ directory: TemporaryDirectory, _ name: String, _ text: String) throws -> String {
        let path = "\(directory.path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    static let gibibyte = 1_073_741_824

    @Test("Dollars of each policy for one artifact at 0, 0.5 and 3 hours")
    func totals() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(
            directory, "a.csv",
            "time,key,region,bytes\n0,a/x,r0,\(Self.gibibyte)\n1800,a/x,r0,\(Self.gibibyte)\n10800,a/x,r0,\(Self.gibibyte)\n")
        let result = try PlanRun(try Self.options([log])).result()
        #expect(try Self.total(result, .never) == 3)
        #expect(abs(try Self.total(result, .store) - 4) < 1e-9)
        #expect(abs(try Self.total(result, .breakEven) - 4.5) < 1e-9)
        #expect(abs(try Self.total(result, .clairvoyant) - 2.5) < 1e-9)
        #expect(result.requests == 3)
        #expect(result.artifacts == 1)
        #expect(result.advice?.policy == "never")
        let text = PlanText(result: result).text
        #expect(text.contains("3 requests, 1 artifacts, 1 regions, 0.1 days"))
        #expect(text.contains("never            3.00"))
        #expect(text.contains("Cheapest: never, 3.00 $ instead of 3.00 $ without a mirror.\n"))
    }

    @Test("Several logs, compressed or not, are one by time; their order on the command line does not matter")
    func merging() throws {
        let directory = try TemporaryDirectory()
        let first = try Self.file(directory, "1.csv", (0..<50).map { "\($0 * 20),a/\($0 % 5),r0,1000\n" }.joined())
        let second = try Self.file(directory, "2.csv", (0..<50).map { "\($0 * 20 + 7),a/\($0 % 5),r1,1000\n" }.joined())
        let third = try Self.file(directory, "3.csv", (0..<50).map { "\($0 * 20 + 2_000),a/\($0 % 5),r0,1000\n" }.joined())
        let one = try PlanRun(try Self.options([first, second, third])).result()
        let other = try PlanRun(try Self.options([third, second, first])).result()
        #expect(one.requests == 150)
        #expect(one.outOfOrder == 0)
        #expect(one.span == other.span)
        #expect(one.pools.map(\.name).sorted() == ["r0", "r1"])
        for policy in ReplayPolicy.allCases { #expect(abs(try Self.total(one, policy) - Self.total(other, policy)) < 1e-12) }
    }

    @Test("A log whose lines may tell less than the size is read for sizes first")
    func sizes() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(
            directory, "access.log",
            """
            192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] "GET /a/b HTTP/1.1" 304 -
            192.0.2.7 - - [31/Jan/2026:12:30:00 +0000] "GET /a/b HTTP/1.1" 200 \(Self.gibibyte)
            192.0.2.7 - - [31/Jan/2026:13:00:00 +0000] "GET /a/b HTTP/1.1" 206 100

            """)
        var options = try Self.options([log])
        options.region = "here"
        let result = try PlanRun(options).result()
        #expect(try Self.total(result, .never) == 3)
        #expect(result.pools.map(\.name) == ["here"])
    }

    @Test("A few lines that cannot be read are counted; more than one of a hundred is an error that shows the first")
    func unreadable() throws {
        let directory = try TemporaryDirectory()
        let lines = (0..<400).map { "\($0),a/b,r0,1000\n" }.joined()
        let good = try PlanRun(try Self.options([try Self.file(directory, "good.csv", lines + "what\n")])).result()
        #expect(good.lines.unreadable == 1)
        #expect(PlanText(result: good).text.contains("1 lines cannot be read, of which the first is"))
        let bad = try Self.file(directory, "bad.csv", lines + String(repeating: "what\n", count: 5))
        #expect {
            try PlanRun(try Self.options([bad])).result()
        } throws: { "\($0)".contains("5 lines cannot be read") && "\($0)".contains("line 401: what") }
    }

    @Test("A compact trace is the same as its CSV, and one that is damaged is an error")
    func compact() throws {
        let directory = try TemporaryDirectory()
        func number(_ value: UInt64, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) } }
        func name(_ text: String) -> [UInt8] { number(UInt64(text.utf8.count), 2) + Array(text.utf8) }
        var bytes = Array("CMTRACE1".utf8) + number(2, 4) + number(2, 4) + number(3, 8) + name("r0") + name("r1")
        bytes += number(1_000, 8) + name("a/x") + number(UInt64(Self.gibibyte), 8) + name("a/y")
        for (time, artifact, region) in [(0, 1, 0), (1_800_000, 1, 0), (1_900_500, 0, 1)] as [(UInt64, UInt64, UInt64)] {
            bytes += number(time, 8) + number(artifact, 4) + number(region, 2) + number(0, 2)
        }
        let path = "\(directory.path)/a.cmt"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let csv = try Self.file(
            directory, "a.csv", "0,a/y,r0,\(Self.gibibyte)\n1800,a/y,r0,\(Self.gibibyte)\n1900.5,a/x,r1,1000\n")
        let (one, other) = (try PlanRun(try Self.options([path])).result(), try PlanRun(try Self.options([csv])).result())
        for policy in ReplayPolicy.allCases { #expect(try Self.total(one, policy) == Self.total(other, policy)) }
        for count in [9, 23, 30, 50, bytes.count - 1] {
            try Data(bytes[..<count]).write(to: URL(fileURLWithPath: path))
            #expect(throws: CommandFailure.self, "\(count) bytes") { try PlanRun(try Self.options([path])).result() }
        }
        var far = bytes
        far[far.count - 10] = 0x7F
        try Data(far).write(to: URL(fileURLWithPath: path))
        #expect { try PlanRun(try Self.options([path])).result() } throws: { "\($0)".contains("too far in the future") }
        bytes[bytes.count - 8] = 9
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(throws: CommandFailure.self) { try PlanRun(try Self.options([path])).result() }
    }

    @Test("What would take memory or time without end is an error that says so")
    func limits() throws {
        let directory = try TemporaryDirectory()
        let year = 365 * 86_400
        let prices = (0...PlanPools.maxPrices).map { #""r\#($0)": {"egress": \#($0), "storage": 730, "put": 0, "get": 0}"# }
        let cases: [(lines: String, words: String)] = [
            ((0...PlanPools.maxPools).map { "\($0),a/x,region\($0),1\n" }.joined(), "more than 1000 regions"),
            ((0...PlanPools.maxPrices).map { "\($0),a/x,r\($0),1\n" }.joined(), "more than 200 different prices"),
            ("0,a/x,\(String(repeating: "r", count: PlanPools.maxName + 1)),1\n", "a region in 257 bytes"),
            ("0,a/x,r0,1\n\(year),a/x,r0,1\n\(101 * year),a/x,r0,1\n", "more than 100 years"),
        ]
        let set = #"{"originGet": 0, "part": 268435456, "regions": {\#(prices.joined(separator: ","))}, "default": \#(Self.price)}"#
        var options = PlanOptions(traces: [], prices: try PlanPrices(json: Array(set.utf8), origin: nil, service: "s3"))
        for (lines, words) in cases {
            options.traces = [try Self.file(directory, "\(words).csv", lines)]
            #expect { try PlanRun(options).result() } throws: { "\($0)".contains(words) }
        }
        options.traces = [try Self.file(directory, "long.csv", "0,a/x,r0,1\n\(99 * year),a/x,r0,1\n")]
        #expect(try PlanRun(options).result().requests == 2)
    }

    @Test("What was decided at each request is written, and adds up to the total")
    func decisions() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(
            directory, "a.csv", "0,a/x,r0,\(Self.gibibyte)\n1800,a/x,r0,\(Self.gibibyte)\n10800,a/x,r0,\(Self.gibibyte)\n")
        var options = try Self.options([log])
        options.recordsDecisions = true
        let result = try PlanRun(options).result()
        try DecisionFiles.write(try #require(result.decisions), to: directory.path)
        let text = try String(contentsOfFile: "\(directory.path)/hazard.csv", encoding: .utf8)
        #expect(text == "keep,admit\n1800.0,1\n1800.0,1\n1800.0,1\n")
    }

    /// Forty days of one artifact that is read every ten minutes.
    private static func steady(_ directory: TemporaryDirectory) throws -> PlanOptions {
        try options([try file(directory, "a.csv", (0...5_760).map { "\($0 * 600),a/x,r0,\(gibibyte)\n" }.joined())])
    }

    @Test("Dollars for other days than the log's are in all forms of the result, and what is saved in a month stays the same")
    func daysAs() throws {
        let directory = try TemporaryDirectory()
        let result = try PlanRun(try Self.steady(directory)).result()
        let shown = result.shown(as: 80)
        #expect(abs(try Self.total(shown, .never) - 2 * 5_761) < 1e-9)
        let (saved, same) = (try #require(result.savedPerMonth), try #require(shown.savedPerMonth))
        #expect(abs(saved - same) < 1e-9 && saved > 0)
        #expect(PlanText(result: shown).text.contains("5761 requests, 1 artifacts, 1 regions, 40.0 days, shown as 80.0 days;"))
        #expect(PlanText(result: shown).text.contains("11522.00"))
        #expect(PlanPlot(shown).svg.contains(">11522.00 $<"))
        #expect(PlanPlot(shown).svg.contains("5761 requests of 40 days, shown as 80.0 days"))
        let (one, two) = (PlanDocument(result), PlanDocument(shown))
        #expect(two.policies["never"]?.total == 11_522)
        #expect(two.shownDays == 80 && one.shownDays == nil)
        let (best, twice) = (try #require(one.pools["r0"]?.bestFixedTotal), try #require(two.pools["r0"]?.bestFixedTotal))
        #expect(abs(twice - 2 * best) < 1e-9)
        // What is no sum of dollars stays.
        #expect(two.policies["never"]?.redirects == 5_761)
        #expect(two.policies["store"]?.hitBytes == 5_760 * Double(Self.gibibyte))
        #expect(two.policies["store"]?.readBytes == 5_761 * Double(Self.gibibyte))
    }

    @Test("Nothing is recommended that was not replayed")
    func chosenPolicies() throws {
        let directory = try TemporaryDirectory()
        var options = try Self.steady(directory)
        options.policies = [.hazard]
        let learned = try PlanRun(options).result()
        #expect(learned.advice?.policy == "hazard")
        #expect(PlanDocument(learned).pools["r0"]?.recommended == "hazard")
        #expect(PlanText(result: learned).text.contains("Cheapest: hazard, "))
        options.policies = [.store]
        let stored = try PlanRun(options).result()
        #expect(stored.advice?.policy == "ttl")
        #expect(stored.savedPerMonth == nil)
    }

    @Test("With admission by cost, tiny artifacts whose fees cost more than their egress are read from the origin once there is a table")
    func admission() throws {
        let directory = try TemporaryDirectory()
        let uses = (0..<30).flatMap { [($0, $0 * 8_640), ($0, $0 * 8_640 + 3_600)] }
        let log = try Self.file(directory, "a.csv", uses.map { "\($0.1),c/\($0.0),r0,10240\n" }.joined())
        let set = #"{"originGet": 4e-7, "part": 268435456, "default": {"egress": 0.02, "storage": 0.023, "put": 5e-6, "get": 4e-7}}"#
        var options = PlanOptions(traces: [log], prices: try PlanPrices(json: Array(set.utf8), origin: nil, service: "s3"))
        func counts() throws -> [Int] {
            let ledger = try #require(try PlanRun(options).result().ledger(of: .hazard))
            return [ledger.hits, ledger.copies, ledger.redirects]
        }
        #expect(try counts() == [30, 30, 0])
        options.admission = .cost
        #expect(try counts() == [10, 10, 40])
    }

    @Test("Pools without egress fees and a NAT gateway are compared on request")
    func candidates() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(directory, "a.csv", (0..<20).map { "\($0 * 60),a/x,us-west-\($0 % 2 + 1),\(Self.gibibyte)\n" }.joined())
        var options = PlanOptions(
            traces: [log], prices: .table(try #require(PriceTable.builtIn), origin: ("s3", "us-east-1"), service: "s3"))
        options.candidates = ["r2"]
        options.natGateway = 0.045
        let result = try PlanRun(options).result()
        #expect(result.candidates.map(\.name) == ["r2", "never, through a NAT gateway"])
        // One copy out of the origin's cloud, and the gateway for all that is read.
        #expect(abs(result.candidates[0].ledger.egress - (0.09 + 20 * 0.045)) < 1e-9)
        #expect(result.candidates[0].ledger.requests < 0.001)
        #expect(abs(result.candidates[1].ledger.egress - 20 * (0.02 + 0.045)) < 1e-9)
    }

    @Test("The picture is a document with a bar for each policy")
    func plot() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(directory, "a.csv", (0..<20).map { "\($0 * 60),a/x,r0,\(Self.gibibyte)\n" }.joined())
        let table = """
            {"asOf": "2026-01-31", "rows": [
              {"service": "*", "fromRegion": "*", "toRegion": "*", "egress": 1},
              {"service": "*", "region": "*", "storage": 730, "put": 0, "get": 0}
            ]}
            """
        var options = PlanOptions(traces: [log], prices: try PlanPrices(json: Array(table.utf8), origin: nil, service: "s3"))
        options.candidates = ["a<b"]
        options.natGateway = 0.5
        let svg = PlanPlot(try PlanRun(options).result()).svg
        #expect(svg.hasPrefix("<svg xmlns="))
        #expect(svg.hasSuffix("</svg>\n"))
        #expect(svg.contains(">20 requests of 0.0 days<"))
        #expect(svg.contains(">dollars at list prices of 2026-01-31<"))
        #expect(svg.contains(">no mirror<"))
        #expect(svg.contains(">20.00 $<"))
        #expect(svg.contains(">one pool in a&lt;b<"))
        #expect(svg.contains(">no mirror, NAT gateway<"))
        // The line across the bars is in the legend, if there is one.
        #expect(svg.components(separatedBy: "<line ").count == 3)
        #expect(svg.components(separatedBy: ">best possible<").count == 3)
        options.policies = [.never]
        #expect(!PlanPlot(try PlanRun(options).result()).svg.contains("<line "))
    }

    @Test("Dollars and lives as people read them")
    func numbers() {
        #expect(HumanText.dollars(1_234.567) == "1234.57")
        #expect(HumanText.dollars(0.00123) == "0.001230")
        #expect(HumanText.dollars(-2.5) == "-2.50")
        #expect(HumanText.fixed(149.6, 0) == "150")
        #expect(HumanText.fixed(.infinity, 2) == "-")
        #expect(PlanText.life(.infinity) == "for ever")
        #expect(PlanText.percent(1, of: 3) == "33.3%")
        #expect(PlanText.percent(1, of: 0) == "-")
    }
}
