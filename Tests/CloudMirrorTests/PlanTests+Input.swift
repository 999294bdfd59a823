import ArgumentParser
import Foundation
import MirrorCore
import Retention
import TestServers
import Testing

@testable import CloudMirror

/// Logs as servers leave them.
extension PlanTests {
    private static func lines(_ count: Int) -> [String] {
        (0..<count).map { "\($0 * 97),a/\($0 % 7),r\($0 % 2),\(gibibyte)\n" }
    }

    @Test("Logs that are empty, as they are after they were rotated, are skipped")
    func emptyLogs() throws {
        let directory = try TemporaryDirectory()
        let empty = try Self.file(directory, "empty.log", "")
        let log = try Self.file(directory, "a.csv", Self.lines(10).joined())
        #expect(try PlanRun(try Self.options([empty, log])).result().requests == 10)
        #expect { try PlanRun(try Self.options([empty])).result() } throws: { "\($0)" == "the log has no uses of artifacts" }
        let unknown = try Self.file(directory, "unknown.log", "what\n")
        #expect { try PlanRun(try Self.options([log, unknown])).result() } throws: { "\($0)".contains("unknown.log: the format") }
    }

    @Test("A log of a bucket that only deleted objects has no uses, and is no obstacle for others")
    func noReads() throws {
        let directory = try TemporaryDirectory()
        let head = "79a b [31/Jan/2026:12:00:00 +0000]"
        let deleted = try Self.file(
            directory, "1", "\(head) - AmazonS3 3E S3.EXPIRE.OBJECT k \"-\" - - - 5000 - - \"-\" \"-\" -\n")
        let read = try Self.file(
            directory, "2", "\(head) 192.0.2.3 - 3E REST.GET.OBJECT k \"GET /k HTTP/1.1\" 200 - 5 5000 7 - \"-\" \"x\" -\n")
        let result = try PlanRun(try Self.options([deleted, read])).result()
        #expect(result.requests == 1)
        #expect(result.lines.others == 1)
        #expect(result.lines.unreadable == 0)
    }

    @Test("Lines that are out of order count as if they were in order, if they are not too far apart")
    func disorder() throws {
        let directory = try TemporaryDirectory()
        let lines = Self.lines(600)
        let wanted = try PlanRun(try Self.options([try Self.file(directory, "a.csv", lines.joined())])).result()
        var mixed: [String] = []
        for start in stride(from: 0, to: lines.count, by: 50) { mixed += lines[start..<start + 50].reversed() }
        let found = try PlanRun(try Self.options([try Self.file(directory, "b.csv", mixed.joined())])).result()
        #expect(found.outOfOrder == 0)
        #expect(found.peak.usesPerSecond == wanted.peak.usesPerSecond)
        for policy in ReplayPolicy.allCases {
            #expect(abs(try Self.total(found, policy) - Self.total(wanted, policy)) < 1e-9, "\(policy)")
        }
        let late = Self.lines(UseOrder.capacity + 2).joined() + "1,a/0,r0,\(Self.gibibyte)\n"
        let result = try PlanRun(try Self.options([try Self.file(directory, "c.csv", late)])).result()
        #expect(result.outOfOrder == 1)
        #expect(result.warnings.contains("1 uses came after much later ones; they count as if they were at the same time."))
    }

    @Test("Uses of the same time stay in the order of the log")
    func sameTime() {
        var order = UseOrder()
        for (time, artifact) in [(5, 1), (3, 2), (5, 3), (3, 4), (9, 5)] as [(Int64, UInt32)] {
            order.add(UseOrder.Use(time: time, artifact: artifact, pool: 0))
        }
        var found: [UInt32] = []
        while let use = order.takeFirst() { found.append(use.artifact) }
        #expect(found == [2, 4, 1, 3, 5])
    }

    @Test("A line of a wrong clock moves no other line, and what it does to the length of the log is told")
    func wrongClock() throws {
        let directory = try TemporaryDirectory()
        var lines = Self.lines(600)
        let wanted = try PlanRun(try Self.options([try Self.file(directory, "a.csv", lines.joined())])).result()
        #expect(!wanted.warnings.contains { $0.contains("Nothing was requested") })
        lines.insert("\(40 * 365 * 86_400),z/far,r0,1\n", at: 100)
        let found = try PlanRun(try Self.options([try Self.file(directory, "b.csv", lines.joined())])).result()
        #expect(found.outOfOrder == 0)
        for policy in [ReplayPolicy.day, .breakEven, .halfBreakEven] {
            #expect(found.ledger(of: policy)?.hits == wanted.ledger(of: policy)?.hits, "\(policy)")
        }
        #expect(found.warnings.contains { $0.hasPrefix("Nothing was requested from day 0.7 to day 14600.0 of the log") })
    }

    @Test("A time that no clock shows makes a line unreadable, not the log")
    func impossibleTimes() throws {
        let directory = try TemporaryDirectory()
        let lines = Self.lines(300).joined()
        let log = try Self.file(
            directory, "a.csv", lines + "9999-12-31T23:59:59Z,a/x,r0,1\n1969-12-31T23:59:59Z,a/x,r0,1\n1769860800000,a/x,r0,1\n")
        let result = try PlanRun(try Self.options([log])).result()
        #expect(result.requests == 300)
        #expect(result.lines.unreadable == 3)
        #expect(result.lines.firstUnreadable == "\(log), line 301: 9999-12-31T23:59:59Z,a/x,r0,1")
    }

    @Test("A byte order mark is not a part of the first line")
    func byteOrderMark() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(directory, "a.csv", "\u{FEFF}time,key,region,bytes\n" + Self.lines(3).joined())
        let result = try PlanRun(try Self.options([log])).result()
        #expect(result.requests == 3)
        #expect(result.lines.unreadable == 0)
    }

    @Test("Networks contain IPv6 addresses, and IPv4 addresses in both spellings")
    func networks() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(
            directory, "access.log",
            ["192.0.2.7", "::ffff:192.0.2.8", "2001:db8::7", "2001:db9::7", "203.0.113.9", "-"].map { address in
                "\(address) - - [31/Jan/2026:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 5\n"
            }.joined())
        var options = try Self.options([log])
        options.networks = [
            (try #require(IPNetwork("192.0.2.0/24")), "four"), (try #require(IPNetwork("2001:db8::/32")), "six"),
            (try #require(IPNetwork("::ffff:203.0.113.0/120")), "mapped"),
        ]
        options.region = nil
        let result = try PlanRun(options).result()
        let requests = Dictionary(uniqueKeysWithValues: result.pools.map { ($0.name, $0.policies.first?.ledger.redirects) })
        #expect(requests == ["four": 2, "six": 1, "mapped": 1, "": 2])
    }

    @Test("Artifacts without a size are told")
    func sizeless() throws {
        let directory = try TemporaryDirectory()
        let head = "192.0.2.7 - - [31/Jan/2026:12:00:00 +0000]"
        let log = try Self.file(
            directory, "access.log",
            "\(head) \"GET /a HTTP/1.1\" 304 -\n\(head) \"GET /b HTTP/1.1\" 200 7\n\(head) \"GET /a HTTP/1.1\" 304 -\n")
        let result = try PlanRun(try Self.options([log])).result()
        #expect(result.warnings.contains("2 requests are for artifacts whose size the log does not tell; they count as empty."))
        let known = try PlanRun(try Self.options([try Self.file(directory, "a.csv", Self.lines(3).joined())])).result()
        #expect(!known.warnings.contains { $0.contains("whose size") })
    }

    @Test("Regions whose prices are those of any other are named")
    func unnamedRegions() throws {
        let directory = try TemporaryDirectory()
        let regions = ["us-west-2", "IAD", "", "s3/eu-west-1", "r2/auto", "FRA", "LHR"]
        let log = try Self.file(directory, "a.csv", regions.map { "1,a/x,\($0),1000\n" }.joined())
        let table = try #require(PriceTable.builtIn)
        func warnings(_ origin: String) throws -> [String] {
            let options = PlanOptions(traces: [log], prices: .table(table, origin: ("s3", origin), service: "s3"))
            return try PlanRun(options).result().warnings.filter { $0.contains("price table") }
        }
        #expect(
            try warnings("us-east-1") == [
                "The price table does not name IAD, clients without a region, FRA and 1 more: the prices of other regions (*) count."
            ])
        #expect(try warnings("us-esat-1").first?.contains("FRA and 2 more") == true)
        #expect(try PlanRun(try Self.options([log])).result().warnings.filter { $0.contains("price table") } == [])
    }

    @Test("A line of a log that is shown cannot drive the terminal")
    func controlCharacters() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.file(directory, "a.csv", Self.lines(200).joined() + "\u{1B}[2Jwhat\u{9B}\n")
        let text = PlanText(result: try PlanRun(try Self.options([log])).result()).text
        #expect(text.contains("line 201: ?[2Jwhat?\n"))
        #expect(!text.unicodeScalars.contains { $0.isUnsafe && $0 != "\n" })
    }

    @Test("A gateway is compared with what is read without a mirror, whichever policies are shown")
    func gatewayAlone() throws {
        let directory = try TemporaryDirectory()
        var options = try Self.options([try Self.file(directory, "a.csv", Self.lines(20).joined())])
        options.policies = [.hazard]
        options.natGateway = 0.5
        let candidate = try #require(try PlanRun(options).result().candidates.first)
        #expect(abs(candidate.ledger.egress - 20 * 1.5) < 1e-9)
        #expect(candidate.ledger.redirects == 20)
    }

    @Test(
        "Options that would do nothing are refused",
        arguments: [["--policies", ","], ["--policies", ""], ["--decisions", ".", "--policies", "never"], ["--days-as", "0"]])
    func refusedOptions(_ options: [String]) throws {
        #expect(throws: (any Error).self) { try CloudMirrorCommand.parseAsRoot(["plan", "--trace", "a.csv"] + options) }
        #expect(try CloudMirrorCommand.parseAsRoot(["plan", "--trace", "a.csv", "--decisions", "."]) is PlanCommand)
    }
}
