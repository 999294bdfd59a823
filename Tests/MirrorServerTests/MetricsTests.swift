import CoreMetrics
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorTesting
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct MetricsTests {
    @Test func `the metrics page is valid Prometheus text that counts what both paths answered`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for path in ["/a.txt", "/a.txt", "/b.txt"] { _ = try await mirror.get(World.target(path)) }
            #expect(mirror.answeredFast == 1)
            let response = try await mirror.get("/metrics")
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            let page = try PrometheusPage(response.text)
            #expect(page.samples[#"cloud_mirror_redirects_total{outcome="hit",pool="local/dev"}"#] == 2)
            #expect(page.samples[#"cloud_mirror_redirects_total{outcome="fallback",pool="local/dev"}"#] == 1)
            // Both hits, of which one was timed.
            let hits = #"outcome="hit",pool="local/dev""#
            #expect(page.samples["cloud_mirror_redirect_duration_seconds_count{\(hits)}"] == 2)
            #expect(page.samples["cloud_mirror_redirect_duration_seconds_bucket{le=\"0.001\",\(hits)}"] == 2)
            #expect(page.samples[#"cloud_mirror_redirect_duration_seconds_count{outcome="fallback",pool="local/dev"}"#] == 1)
            #expect(page.samples[#"cloud_mirror_egress_avoided_bytes_total{pool="local/dev"}"#] == 16)
            #expect(page.samples[#"cloud_mirror_pool_objects{pool="local/dev"}"#] == 1)
            #expect(page.samples[#"cloud_mirror_pool_bytes{pool="local/dev"}"#] == 8)
            #expect(page.samples[#"cloud_mirror_pending_replicas{pool="local/dev"}"#] == 1)
            #expect(page.samples["cloud_mirror_state_available"] == 1)
            #expect(page.samples["cloud_mirror_waiting_requests"] == 0)
            // What there is on the page is in the list, with the kind that the list says.
            for (name, kind) in page.kinds {
                let entry = try require(MetricCatalog.all.first { $0.name == name }, "\(name) is in no list")
                #expect(entry.kind == kind)
                #expect(page.helps[name] == entry.help)
            }
        }
    }

    @Test func `while the state is away that is said, and totals stay what they were`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            _ = try await mirror.get("/metrics")
            await world.base.close()
            let early = try PrometheusPage(try await mirror.get("/metrics").text)
            #expect(early.samples["cloud_mirror_state_available"] == 1, "the state is not asked for each of who ask")
            world.clock.advance(by: MetricsRoute.figuresLife)
            let page = try PrometheusPage(try await mirror.get("/metrics").text)
            #expect(page.samples["cloud_mirror_state_available"] == 0)
            #expect(page.samples[#"cloud_mirror_pool_objects{pool="local/dev"}"#] == 1)
        }
    }

    @Test func `the system is not asked for each of who ask, and what is counted here is on each page`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            _ = try await mirror.get("/metrics")
            // Stays, unless it is looked for again.
            mirror.services.registry.makeMeter(label: ProcessMetrics.Name.openDescriptors, dimensions: []).set(-1.0)
            _ = try await mirror.get(World.target("/a.txt"))
            let early = try PrometheusPage(try await mirror.get("/metrics").text)
            #expect(early.samples[ProcessMetrics.Name.openDescriptors] == -1)
            #expect(early.samples[#"cloud_mirror_redirects_total{outcome="fallback",pool="local/dev"}"#] == 1)
            world.clock.advance(by: MetricsRoute.figuresLife)
            let late = try PrometheusPage(try await mirror.get("/metrics").text)
            #expect(late.samples[ProcessMetrics.Name.openDescriptors] ?? 0 > 0)
        }
    }

    @Test func `names come once, in order, each with its help and kind before its samples`() throws {
        let registry = MetricsRegistry()
        _ = EngineMetrics(pools: [try require(World.pool), try require(World.otherPool)], factory: registry)
        let page = try PrometheusPage(registry.prometheusText())
        #expect(page.families == page.families.sorted())
        #expect(Set(page.families).count == page.families.count)
        #expect(
            page.families.count
                == Set(page.samples.keys.map { PrometheusPage.family(of: String($0.prefix { $0 != "{" }), page.kinds) }).count)
    }

    @Test(arguments: [
        "plain", "back\\slash", "\"quoted\"", "line\nbreak", "carriage\r\nreturn", "\\n", "\\\"", "ü €", "a\u{301}\\\u{301}", "", "}", ",",
        "=",
    ])
    func `whatever a label says, it is read back as it was`(value: String) throws {
        let registry = MetricsRegistry()
        registry.makeCounter(label: "odd_total", dimensions: [("label", value), ("other", "x")]).increment(by: 3)
        let text = registry.prometheusText()
        #expect(text.utf8.count { $0 == UInt8(ascii: "\n") } == 2)
        let page = try PrometheusPage(text)
        #expect(page.labels["odd_total"] == [["label": value, "other": "x"]])
    }

    @Test func `a histogram counts up to each bound, and sums`() throws {
        let registry = MetricsRegistry()
        let histogram = registry.makeRecorder(label: "wait_seconds", dimensions: [], aggregate: true)
        for value in [0.0005, 0.001, 0.02, 3, 10_000] { histogram.record(value) }
        registry.makeTimer(label: "wait_seconds", dimensions: []).recordNanoseconds(2_000_000_000)
        let page = try PrometheusPage(registry.prometheusText())
        #expect(page.kinds["wait_seconds"] == "histogram")
        #expect(page.samples[#"wait_seconds_bucket{le="0.001"}"#] == 2)
        #expect(page.samples[#"wait_seconds_bucket{le="0.025"}"#] == 3)
        #expect(page.samples[#"wait_seconds_bucket{le="2.5"}"#] == 4)
        #expect(page.samples[#"wait_seconds_bucket{le="600.0"}"#] == 5)
        #expect(page.samples[#"wait_seconds_bucket{le="+Inf"}"#] == 6)
        #expect(page.samples["wait_seconds_count"] == 6)
        #expect(page.samples["wait_seconds_sum"] == 10_005.0215)
    }

    @Test func `what is counted and not timed is in the lowest bucket, and never becomes less`() throws {
        let registry = MetricsRegistry()
        let pool = try require(World.pool)
        let fast = FastAnswers(pools: [pool], registry: registry)
        let labels = [("pool", pool.description), ("outcome", "hit")]
        let hits = registry.makeCounter(label: EngineMetrics.Name.redirects, dimensions: labels)
        let times = registry.makeRecorder(label: EngineMetrics.Name.redirectSeconds, dimensions: labels, aggregate: true)
        func sample(_ suffix: String, _ bound: String = "") throws -> Double? {
            let page = try PrometheusPage(registry.prometheusText())
            return page.samples["\(EngineMetrics.Name.redirectSeconds)_\(suffix){\(bound)outcome=\"hit\",pool=\"local/dev\"}"]
        }
        fast.record()
        #expect(try sample("count") == 0)
        // Three fast ones, and one that took two seconds.
        hits.increment(by: 4)
        times.record(2.0)
        fast.record()
        #expect(try sample("bucket", #"le="0.001","#) == 3)
        #expect(try sample("count") == 4)
        #expect(try sample("sum") == 2)
        // One that has been timed and is not counted yet.
        times.record(2.0)
        fast.record()
        #expect(try sample("bucket", #"le="0.001","#) == 3)
        #expect(try sample("count") == 5)
        hits.increment(by: 1)
        fast.record()
        #expect(try sample("count") == 5)
    }

    @Test func `a metric made twice is one, whatever the order of its labels`() {
        let registry = MetricsRegistry()
        registry.makeCounter(label: "x_total", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
        registry.makeCounter(label: "x_total", dimensions: [("b", "2"), ("a", "1")]).increment(by: 1)
        registry.makeMeter(label: "x_total", dimensions: [("a", "1"), ("b", "2")]).set(Int64(9))
        let values = registry.values(of: "x_total")
        #expect(values.map(\.value) == [2])
        #expect(values.map(\.labels) == [["a": "1", "b": "2"]])
    }

    @Test func `a gauge goes up and down`() throws {
        let registry = MetricsRegistry()
        let gauge = registry.makeMeter(label: "now", dimensions: [])
        gauge.increment(by: 3)
        gauge.decrement(by: 1)
        let page = try PrometheusPage(registry.prometheusText())
        #expect(page.samples["now"] == 2)
        #expect(page.kinds["now"] == "gauge")
    }
}

/// Reads the text exposition format 0.0.4, and throws at whatever it does not allow.
struct PrometheusPage {
    struct Malformed: Error {
        let line: String
    }

    private(set) var helps: [String: String] = [:]
    private(set) var kinds: [String: String] = [:]
    /// In the order in which they come.
    private(set) var families: [String] = []
    /// By name and labels in the order of their names.
    private(set) var samples: [String: Double] = [:]
    private(set) var labels: [String: [[String: String]]] = [:]

    init(_ text: String) throws {
        guard text.isEmpty || text.utf8.last == UInt8(ascii: "\n") else { throw Malformed(line: "the end") }
        for line in text.unicodeScalars.split(separator: "\n") {
            let line = String(String.UnicodeScalarView(line))
            if line.hasPrefix("# HELP ") {
                let words = line.dropFirst(7).split(separator: " ", maxSplits: 1)
                guard words.count == 2, helps.updateValue(String(words[1]), forKey: String(words[0])) == nil else {
                    throw Malformed(line: line)
                }
            } else if line.hasPrefix("# TYPE ") {
                let words = line.dropFirst(7).split(separator: " ").map(String.init)
                guard words.count == 2, ["counter", "gauge", "histogram"].contains(words[1]),
                    kinds.updateValue(words[1], forKey: words[0]) == nil
                else { throw Malformed(line: line) }
                families.append(words[0])
            } else {
                try readSample(line)
            }
        }
    }

    /// The family that a sample belongs to: a histogram's have suffixes.
    static func family(of name: String, _ kinds: [String: String]) -> String {
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            let base = String(name.dropLast(suffix.count))
            if kinds[base] == "histogram" { return base }
        }
        return name
    }

    private mutating func readSample(_ line: String) throws {
        let scalars = Array(line.unicodeScalars)
        var position = 0
        func name() -> String {
            var name = ""
            while position < scalars.count, Self.isNameScalar(scalars[position], isFirst: name.isEmpty) {
                name.unicodeScalars.append(scalars[position])
                position += 1
            }
            return name
        }
        func take(_ scalar: Unicode.Scalar) -> Bool {
            guard position < scalars.count, scalars[position] == scalar else { return false }
            position += 1
            return true
        }
        let metric = name()
        var found: [String: String] = [:]
        if take("{") {
            repeat {
                let label = name()
                guard !label.isEmpty, take("="), take("\"") else { throw Malformed(line: line) }
                var value = ""
                while position < scalars.count, scalars[position] != "\"" {
                    var scalar = scalars[position]
                    if scalar == "\\" {
                        position += 1
                        guard position < scalars.count, let plain: Unicode.Scalar = ["\\": "\\", "\"": "\"", "n": "\n"][scalars[position]]
                        else {
                            throw Malformed(line: line)
                        }
                        scalar = plain
                    }
                    value.unicodeScalars.append(scalar)
                    position += 1
                }
                guard take("\""), found.updateValue(value, forKey: label) == nil else { throw Malformed(line: line) }
            } while take(",")
            guard take("}") else { throw Malformed(line: line) }
        }
        guard !metric.isEmpty, take(" "), let value = Double(String(String.UnicodeScalarView(scalars[position...]))) else {
            throw Malformed(line: line)
        }
        // A sample follows the kind of its family, with no other family between.
        guard families.last == Self.family(of: metric, kinds) else { throw Malformed(line: line) }
        let pairs = found.sorted { $0.key < $1.key }.map { "\($0.key)=\"\($0.value)\"" }
        let key = pairs.isEmpty ? metric : "\(metric){\(pairs.joined(separator: ","))}"
        guard samples.updateValue(value, forKey: key) == nil else { throw Malformed(line: line) }
        labels[metric, default: []].append(found)
    }

    private static func isNameScalar(_ scalar: Unicode.Scalar, isFirst: Bool) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "_", ":": true
        case "0"..."9": !isFirst
        default: false
        }
    }
}
