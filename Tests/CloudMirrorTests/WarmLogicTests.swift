import MirrorCore
import Testing

@testable import CloudMirror

@Suite struct WarmLogicTests {
    @Test("A file of URLs may have empty lines, comments, a byte order mark and the line ends of any system")
    func parses() {
        var list = WarmList()
        let text = "\u{FEFF}https://a.example/1\r\n\r\n# https://a.example/no\n  \thttps://a.example/2  \n\n   # no\nhttps://a.example/3#f"
        list.parse(Array(text.utf8), name: "list")
        #expect(list.urls == ["https://a.example/1", "https://a.example/2", "https://a.example/3#f"])
        #expect(list.problems.isEmpty)
    }

    @Test("A line that is not a URL is named, and the others are taken")
    func names() {
        var list = WarmList()
        list.parse(Array("https://a.example/1\nno url\n".utf8) + [0xFF, 0x0A] + Array("ftp://a/b\nhttps://a.example/2".utf8), name: "f")
        #expect(list.urls == ["https://a.example/1", "https://a.example/2"])
        #expect(list.problems.count == 3)
        #expect(list.problems.map { $0.prefix(4) } == ["f:2:", "f:3:", "f:4:"])
    }

    @Test("Lists of any length are cut into calls that a mirror takes")
    func batches() {
        let list = WarmList(urls: (0..<2_500).map { "https://a.example/\($0)" })
        #expect(list.batches.map(\.count) == [1_000, 1_000, 500])
        #expect(list.batches.flatMap(\.self) == list.urls)
        let long = WarmList(urls: (0..<500).map { "https://a.example/\($0)/" + String(repeating: "x", count: 8_000) })
        #expect(long.batches.flatMap(\.self) == long.urls)
        for batch in long.batches {
            #expect(batch.count <= WarmCall.maxURLs)
            let body = JSONText.bytes(WarmCall.Request(urls: batch, pools: ["local/dev"]))
            #expect(body.count <= WarmCall.maxBody)
        }
        #expect(WarmList().batches.isEmpty)
    }

    @Test("The report counts by state, and fails for whatever will not be there")
    func reports() {
        func item(_ state: String, _ error: String? = nil) -> WarmCall.Item {
            .init(url: "https://a.example/x?sig=secret", pool: "local/dev", state: .init(rawValue: state), error: error)
        }
        var report = WarmReport(artifacts: 2)
        func add(_ items: [WarmCall.Item]) {
            report.add(.init(replicas: items), to: .init(urls: items.map(\.url), pools: ["local/dev"]))
        }
        add([item("pending"), item("present")])
        #expect(report.summary == "2 artifacts: 1 pending, 1 present")
        #expect(report.failure(invalid: 0) == nil)
        #expect(report.failure(invalid: 1)?.exit == .failed)
        let others = [
            item("refused", "not allowed"), item("queue-full", "ask later"), item("unavailable"), item("error"), item("absent"),
            item("new\u{1B}"),
        ]
        add(others)
        #expect(report.summary == "2 artifacts: 1 pending, 1 present, 1 refused, 1 queue full, 1 unavailable, 1 absent, 1 error, 1 new?")
        #expect(report.notTaken == others)
        #expect(report.failure(invalid: 0)?.message == "the mirror did not accept 6 of 8")
        #expect(WarmReport.line(others[0]).contains("not allowed"))
        #expect(WarmReport.line(others[0]).hasPrefix("refused: https://a.example/x"))
        #expect(!WarmReport.line(others[0]).contains("secret"))
    }

    @Test("An artifact that the mirror's answer does not mention was not taken", arguments: [nil, ["local/dev", "local/two"]])
    func unanswered(pools: [String]?) {
        let request = WarmCall.Request(urls: ["https://a.example/1", "https://a.example/2", "https://a.example/3"], pools: pools)
        let asked = request.urls.count * (pools?.count ?? 1)
        var report = WarmReport(artifacts: request.urls.count)
        report.add(.init(replicas: [.init(url: request.urls[0], pool: "local/dev", state: .pending, error: nil)]), to: request)
        #expect(report.summary == "3 artifacts: 1 pending")
        let failure = report.failure(invalid: 0)
        #expect(failure?.exit == .failed)
        #expect(failure?.message == "the mirror did not accept \(asked - 1) of \(asked); its answer does not mention \(asked - 1) of them")
    }
}
