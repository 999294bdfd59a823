import MirrorCore
import NIOHTTP1
import TestServers
import Testing

/// What makes one metric move.
struct MetricScene: Sendable, CustomTestStringConvertible {
    /// A mirror, and an origin that has `/a.bin` (20,000 bytes), `/b.bin` and `/gate.bin`, which says nothing until the gate opens.
    struct Stage: Sendable {
        let mirror: MirrorProcess
        let origin: FakeOrigin
        let gate: FakeGate
        let settings: MirrorSettings
        /// As it was before the scene.
        let before: Double

        func ask(_ path: String, wait: Int? = nil) async throws -> HTTP.Answer {
            try await mirror.redirect(origin.url(path), wait: wait)
        }
    }

    typealias Script = @Sendable (Stage) async throws -> Void
    typealias Check = @Sendable (_ before: Double, _ after: Double) -> Bool

    /// A name, or a name with a label: `name{label="value"}`.
    let metric: String
    var settings: @Sendable (inout MirrorSettings) -> Void = { _ in }
    var script: Script = { _ in }
    var moved: Check = { $1 > $0 }
    /// In place of all this, where the scene needs other processes.
    var other: (@Sendable () async throws -> Void)?
    var needsServers = false

    var testDescription: String { metric }

    /// Those whose servers are there.
    static var runnable: [MetricScene] { all.filter { !$0.needsServers || Fleet.isExpected } }

    func run() async throws {
        if let other { return try await other() }
        try await FakeOrigin.run { origin async throws in
            let gate = FakeGate()
            for path in ["/a.bin", "/b.bin"] { origin.on(path, .generated(size: 20_000, seed: UInt64(path.utf8.count))) }
            origin.on("/gate.bin", FakeBehavior.generated(size: 1_000).with { $0.gate = gate })
            var mirrorSettings = MirrorSettings(allow: [origin.url("/")])
            settings(&mirrorSettings)
            try await MirrorProcess.run(mirrorSettings) { mirror async throws in
                let before = try await Self.sum(metric, of: mirror)
                try await script(Stage(mirror: mirror, origin: origin, gate: gate, settings: mirrorSettings, before: before))
                try await eventually("\(metric) moves, which was \(before)") { moved(before, try await Self.sum(metric, of: mirror)) }
                gate.open()
            }
        }
    }

    /// Of all samples with the labels; of a histogram their number.
    static func sum(_ metric: String, of mirror: MirrorProcess) async throws -> Double {
        let name = metric.prefix { $0 != "{" }
        let label = metric.dropFirst(name.count).dropFirst().dropLast()
        let answer = try await mirror.send(.GET, "/metrics")
        try #require(answer.status == 200)
        return answer.text.split(separator: "\n").filter { line in
            let sample = line.prefix { $0 != "{" && $0 != " " }
            return (sample == name || sample == "\(name)_count") && line.contains(label)
        }.reduce(0) { $0 + (Double($1.split(separator: " ").last ?? "") ?? 0) }
    }
}

extension MetricScene {
    /// Asks for one copy and takes it.
    private static let copy: Script = { stage async throws in
        let answer = try await stage.ask("/a.bin")
        #expect(answer.outcome == "wait")
        #expect(try await stage.mirror.follow(answer).body.count == 20_000)
    }

    private static let hit: Script = { stage async throws in
        try await copy(stage)
        #expect(try await stage.ask("/a.bin").outcome == "hit")
    }

    /// A copy that is under way.
    private static let halfDone: Script = { stage async throws in
        try await stage.mirror.warm([stage.origin.url("/gate.bin")])
        try await stage.gate.waiting()
    }

    /// An object that somebody removed, and that is reported missing.
    private static let lost: Script = { stage async throws in
        try await copy(stage)
        let objects = try stage.mirror.objects()
        #expect(objects.count == 1)
        for object in objects { try stage.mirror.directory.remove("pool/files/\(object)") }
        let path = "/v1/redirect/\(MirrorProcess.pool)/\(PercentCoding.encode(stage.origin.url("/a.bin")))?missing=1"
        #expect(try await stage.mirror.send(.GET, path).outcome == "wait")
    }

    private static let hasBudgetOfOne: @Sendable (inout MirrorSettings) -> Void = {
        // Which takes a while to come back.
        $0.redirectOptions = ["coldClaims: {burst: 1, perSecond: 1, bytesPerMinute: 1kB}"]
    }

    private static let spend: Script = { stage async throws in
        for path in ["/a.bin", "/b.bin", "/gate.bin"] { _ = try await stage.ask(path, wait: 0) }
        try await eventually("the copy is charged") { try await sum("cloud_mirror_networks_over_budget", of: stage.mirror) == 1 }
        #expect(try await stage.ask("/more.bin", wait: 0).outcome == "fallback")
    }

    /// Metrics that a test of their own makes move.
    static let elsewhere: Set<String> = [
        // LogPipeTests, with a pipe that nobody reads.
        "cloud_mirror_log_lines_dropped_total",
        // AddressSharesTests: loopback, which scenes come from, is exempt.
        "cloud_mirror_refused_connections_total",
        // ProxyProtocolTests: behind such a listener nothing else of a scene would be answered.
        "cloud_mirror_refused_proxy_headers_total",
        // CrowdedTests, with few descriptors.
        "cloud_mirror_accept_pauses_total",
        // SavingsMeterTests: a scene does not last until something has been learned.
        "cloud_mirror_guarded_classes", "cloud_mirror_retention_table_age_seconds",
        // CopyLimitTests, with a storage that is full before it says so.
        "cloud_mirror_errors_total{kind=\"storage.full\"}",
    ]

    private static let reload: Script = { stage async throws in
        var settings = stage.settings
        settings.maxWait = "5s"
        #expect(try await stage.mirror.reload(settings))
    }

    /// A list of addresses that is none; the first look at it may be over before the scene begins.
    private static let nonsense: @Sendable (inout MirrorSettings) -> Void = {
        $0.more.append("selection: {cloudRegions: {aws: /etc/passwd}}")
    }

    /// Something below `/o/` that is a page.
    private static let named: @Sendable (inout MirrorSettings) -> Void = { settings in
        let url = settings.allow.first ?? ""
        settings.moreOrigins = ["named:", "  files: {url: \"\(url)\", rules: [{path: \"**\", class: revalidated}]}"]
    }

    private static let page: Script = { stage async throws in
        #expect(try await stage.mirror.send(.GET, "/o/files/a.bin").status == 200)
    }

    static let all: [MetricScene] = [
        MetricScene(metric: "cloud_mirror_named_requests_total", settings: named, script: page),
        MetricScene(metric: "cloud_mirror_page_requests_total", settings: named, script: page),
        MetricScene(metric: "cloud_mirror_page_store_bytes", settings: named, script: page),
        MetricScene(metric: "cloud_mirror_page_store_pages", settings: named, script: page),
        MetricScene(metric: "cloud_mirror_trace_spans_total", other: exported),
        MetricScene(
            metric: "cloud_mirror_refused_traces_total",
            settings: { $0.more.append("tracing: {endpoint: \"http://127.0.0.1:9\", sample: 0, askedPerSecond: 0}") },
            script: { stage async throws in
                let path = "/v1/redirect/\(MirrorProcess.pool)/\(PercentCoding.encode(stage.origin.url("/a.bin")))"
                let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                #expect(try await stage.mirror.send(.GET, path, headers: ["traceparent": traceparent]).outcome == "wait")
            }, moved: { $0 == 0 && $1 == 1 }),
        MetricScene(metric: "cloud_mirror_redirects_total", script: copy),
        MetricScene(
            metric: "cloud_mirror_redirects_total{outcome=\"fallback\"}",
            script: { stage async throws in #expect(try await stage.ask("/gate.bin", wait: 0).outcome == "fallback") }),
        MetricScene(
            metric: "cloud_mirror_hops_total",
            settings: {
                $0.hop = "1s"
                $0.hops = 3
            },
            script: { stage async throws in #expect(try await stage.ask("/gate.bin").outcome == "hop") }),
        MetricScene(metric: "cloud_mirror_redirect_wait_seconds", script: copy),
        // The first of them is timed; those that the fast path answers are counted with it.
        MetricScene(
            metric: "cloud_mirror_redirect_duration_seconds",
            script: { stage async throws in
                try await hit(stage)
                #expect(try await stage.ask("/a.bin").outcome == "hit")
            }, moved: { $0 == 0 && $1 == 3 }),
        MetricScene(metric: "cloud_mirror_origin_requests_total", script: copy),
        MetricScene(metric: "cloud_mirror_origin_request_duration_seconds", script: copy),
        MetricScene(
            metric: "cloud_mirror_waiting_requests",
            script: { stage async throws in
                async let answer = stage.ask("/gate.bin")
                try await stage.mirror.waiting(1)
                #expect(try await sum("cloud_mirror_waiting_requests", of: stage.mirror) == 1)
                stage.gate.open()
                #expect(try await answer.outcome == "wait")
            }, moved: { $0 == 0 && $1 == 0 }),
        MetricScene(metric: "cloud_mirror_over_budget_total", settings: hasBudgetOfOne, script: spend),
        MetricScene(
            metric: "cloud_mirror_over_budget_total{budget=\"bytes\"}",
            settings: { $0.redirectOptions = ["coldClaims: {bytesPerMinute: 1kB}"] },
            script: { stage async throws in
                try await copy(stage)
                try await eventually("the copy is charged") { try await stage.ask("/b.bin", wait: 0).outcome == "fallback" }
            }),
        MetricScene(metric: "cloud_mirror_networks_over_budget", settings: hasBudgetOfOne, script: spend, moved: { $0 == 0 && $1 == 1 }),
        MetricScene(metric: "cloud_mirror_copies_total", script: copy),
        MetricScene(metric: "cloud_mirror_copies_total{result=\"set-aside\"}", other: setAside),
        MetricScene(
            metric: "cloud_mirror_slow_copies_total", settings: { $0.copyOptions = ["minRateWindow: 1s"] }, script: halfDone),
        MetricScene(metric: "cloud_mirror_copy_duration_seconds", script: copy),
        MetricScene(metric: "cloud_mirror_copy_bytes_total", script: copy, moved: { $1 == $0 + 20_000 }),
        MetricScene(metric: "cloud_mirror_server_side_copy_bytes_total", other: serverSideCopy, needsServers: true),
        MetricScene(metric: "cloud_mirror_lost_replicas_total", script: lost),
        MetricScene(metric: "cloud_mirror_copies_in_progress", script: halfDone, moved: { $0 == 0 && $1 == 1 }),
        MetricScene(metric: "cloud_mirror_pool_bytes", script: copy, moved: { $1 == $0 + 20_000 }),
        MetricScene(
            metric: "cloud_mirror_pool_age_bytes", settings: { $0.sweepInterval = "1s" }, script: copy, moved: { $1 == $0 + 20_000 }),
        MetricScene(
            metric: "cloud_mirror_pool_unread_bytes", settings: { $0.sweepInterval = "1s" }, script: copy, moved: { $1 == $0 + 20_000 }),
        MetricScene(metric: "cloud_mirror_pool_objects", script: copy, moved: { $1 == $0 + 1 }),
        MetricScene(
            metric: "cloud_mirror_pool_max_bytes", settings: { $0.poolOptions = ", retention: {maxBytes: 30kB}" },
            moved: { $0 == 30_000 && $1 == 30_000 }),
        MetricScene(
            metric: "cloud_mirror_pool_free_bytes",
            script: { stage async throws in
                // Others write to the same disk meanwhile, but never so much.
                let free = Double(try stage.mirror.directory.freeBytes())
                #expect(abs(free - stage.before) < Double(1 << 30))
            }, moved: { $0 > 0 && $1 > 0 }),
        MetricScene(metric: "cloud_mirror_served_bytes_total", script: copy, moved: { $1 == $0 + 20_000 }),
        MetricScene(
            metric: "cloud_mirror_oldest_queued_copy_seconds", settings: { $0.copyOptions = ["concurrency: 1"] },
            script: { stage async throws in
                try await halfDone(stage)
                try await stage.mirror.warm([stage.origin.url("/b.bin")])
            }),
        MetricScene(metric: "cloud_mirror_pending_replicas", script: halfDone, moved: { $1 == $0 + 1 }),
        MetricScene(metric: "cloud_mirror_state_available", other: stateAway, needsServers: true),
        // Local pools have list prices, too.
        MetricScene(metric: "cloud_mirror_saved_dollars_total", script: hit, moved: { $0 == 0 && $1 > 0 }),
        MetricScene(metric: "cloud_mirror_cost_dollars_total", script: hit),
        MetricScene(metric: "cloud_mirror_counterfactual_dollars_total", script: hit),
        MetricScene(metric: "cloud_mirror_list_prices_timestamp_seconds", moved: { $1 > 0 }),
        MetricScene(metric: "cloud_mirror_egress_avoided_bytes_total", script: hit, moved: { $1 == $0 + 20_000 }),
        MetricScene(
            metric: "cloud_mirror_evictions_total",
            settings: {
                $0.poolOptions = ", retention: {timeToLive: 1s, grace: 0s}"
                $0.sweepInterval = "1s"
            },
            script: { stage async throws in
                try await copy(stage)
                try await eventually("the copy expires") { try await sum("cloud_mirror_evictions_total", of: stage.mirror) == 1 }
            }),
        MetricScene(
            metric: "cloud_mirror_fallbacks_total",
            script: { stage async throws in #expect(try await stage.ask("/gate.bin", wait: 0).outcome == "fallback") }),
        MetricScene(
            metric: "cloud_mirror_errors_total",
            script: { stage async throws in
                stage.origin.on("/error.bin", .status(503))
                _ = try await stage.ask("/error.bin")
            }),
        MetricScene(
            metric: "cloud_mirror_errors_total{kind=\"copy.noRoom\"}", settings: { $0.poolOptions = ", retention: {maxBytes: 30kB}" },
            script: { stage async throws in
                try await copy(stage)
                #expect(try await stage.ask("/b.bin").outcome == "fallback")
            }),
        MetricScene(metric: "cloud_mirror_errors_total{kind=\"origin.permissionDenied\"}", other: refusedByBucket, needsServers: true),
        MetricScene(
            metric: "cloud_mirror_refused_redirects_total",
            script: { stage async throws in
                stage.origin.on("/moved.bin", .redirect(to: "https://elsewhere.example/moved.bin"))
                #expect(try await stage.ask("/moved.bin").outcome == "fallback")
            }),
        MetricScene(
            metric: "cloud_mirror_pool_choices_total",
            script: { stage async throws in
                let target = "/v1/redirect/\(PercentCoding.encode(stage.origin.url("/a.bin")))?wait=0"
                #expect(try await stage.mirror.send(.GET, target).status == 302)
            }),
        MetricScene(metric: "cloud_mirror_cloud_regions_updates_total", settings: nonsense, moved: { $1 > 0 }),
        MetricScene(metric: "cloud_mirror_cloud_regions_updates_total{result=\"refused\"}", settings: nonsense, moved: { $1 > 0 }),
        // The list that the executable comes with has a date, too.
        MetricScene(metric: "cloud_mirror_cloud_regions_timestamp_seconds", moved: { $1 > 0 }),
        MetricScene(metric: "cloud_mirror_store_operation_seconds", script: copy),
        MetricScene(metric: "cloud_mirror_store_errors_total", script: lost),
        MetricScene(metric: "cloud_mirror_build_info", moved: { $0 == 1 && $1 == 1 }),
        MetricScene(
            metric: "cloud_mirror_refused_admin_calls_total",
            script: { stage async throws in #expect(try await stage.mirror.send(.GET, "/v1/stats").status == 401) }),
        MetricScene(
            metric: "cloud_mirror_refused_admin_calls_total{reason=\"wrong-token\"}",
            script: { stage async throws in
                #expect(try await stage.mirror.send(.GET, "/v1/stats", headers: ["Authorization": "Bearer x"]).status == 401)
            }),
        MetricScene(metric: "cloud_mirror_reloads_total", script: reload),
        MetricScene(metric: "cloud_mirror_configuration_loaded_timestamp_seconds", script: reload, moved: { $0 > 0 && $1 > $0 }),
        // Looking at the metrics takes some.
        MetricScene(metric: "process_cpu_seconds_total"),
        MetricScene(
            metric: "process_resident_memory_bytes",
            script: { stage async throws in
                let peak = Double(try #require(try stage.mirror.peakMemory()))
                #expect(stage.before > peak / 4 && stage.before <= peak)
            }, moved: { $1 > 1_000_000 }),
        MetricScene(
            metric: "process_start_time_seconds",
            script: { stage async throws in
                let now = Double(SystemClock().now.milliseconds) / 1_000
                // By the machine's own account of when it was started, which is in whole seconds.
                #expect((now - 120...now + 2).contains(stage.before))
            }, moved: { $0 == $1 }),
        MetricScene(
            metric: "process_open_fds",
            script: { stage async throws in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<20 {
                        stage.origin.on("/\(number).bin", FakeBehavior.generated(size: 1_000).with { $0.gate = stage.gate })
                        group.addTask { _ = try await stage.ask("/\(number).bin") }
                    }
                    try await stage.mirror.waiting(20)
                    // Counted once in two seconds.
                    try await eventually("they are counted") { try await sum("process_open_fds", of: stage.mirror) >= stage.before + 20 }
                    stage.gate.open()
                    try await group.waitForAll()
                }
            }, moved: { $1 > 0 }),
        MetricScene(metric: "process_max_fds", moved: { $0 >= 256 && $1 == $0 }),
    ]

    /// Two kills over the same copy.
    private static let setAside: @Sendable () async throws -> Void = { () async throws in
        try await FakeOrigin.run { origin async throws in
            origin.on("/gate.bin", FakeBehavior.generated(size: 1_000).with { $0.gate = FakeGate() })
            try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror async throws in
                try await mirror.warm([origin.url("/gate.bin")])
                for number in 1...2 {
                    _ = try await origin.request(number, for: "/gate.bin")
                    try await mirror.restart(after: .kill)
                }
                try await eventually("a copy is set aside") {
                    try await sum("cloud_mirror_copies_total{result=\"set-aside\"}", of: mirror) == 1
                }
            }
        }
    }

    private static let serverSideCopy: @Sendable () async throws -> Void = { () async throws in
        let server = try S3Server()
        let (home, pool) = (try await server.makeBucket("home"), try await server.makeBucket("pool"))
        try await server.put([UInt8](repeating: 7, count: 20_000), "a.bin", in: home)
        var settings = MirrorSettings(allow: ["https://artifacts.example.org/"])
        settings.morePools = ["s3/one: \(server.settings(pool, ", access: presigned"))"]
        settings.buckets = [server.settings(home)]
        try await MirrorProcess.run(settings) { mirror async throws in
            #expect(try await mirror.redirect("s3://\(home)/a.bin", in: "s3/one").outcome == "wait")
            #expect(try await sum("cloud_mirror_server_side_copy_bytes_total", of: mirror) == 20_000)
        }
    }

    /// A collector that takes everything, and a trace of every request.
    private static let exported: @Sendable () async throws -> Void = { () async throws in
        try await ScriptedServer.run({ _ in .init(body: "{}") }) { collector in
            try await FakeOrigin.run { origin async throws in
                origin.on("/a.bin", .generated(size: 20_000, seed: 1))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.more = ["tracing: {endpoint: \"\(collector.url)\", sample: 1}"]
                try await MirrorProcess.run(settings) { mirror async throws in
                    #expect(try await mirror.redirect(origin.url("/a.bin")).outcome == "wait")
                    try await eventually("spans are exported") {
                        try await sum("cloud_mirror_trace_spans_total{result=\"exported\"}", of: mirror) > 0
                    }
                    #expect(try await sum("cloud_mirror_trace_spans_total{result=\"failed\"}", of: mirror) == 0)
                }
            }
        }
    }

    private static let refusedByBucket: @Sendable () async throws -> Void = { () async throws in
        let server = try S3Server()
        let home = try await server.makeBucket("home")
        try await server.put([7], "a.bin", in: home)
        var settings = MirrorSettings(allow: ["https://artifacts.example.org/"])
        settings.buckets = [server.settings(home, secretKey: "not-the-secret-key")]
        try await MirrorProcess.run(settings) { mirror async throws in
            #expect(try await mirror.redirect("s3://\(home)/a.bin").outcome == "fallback")
            #expect(try await sum("cloud_mirror_errors_total{kind=\"origin.permissionDenied\"}", of: mirror) == 1)
        }
    }

    private static let stateAway: @Sendable () async throws -> Void = { () async throws in
        let redis = try await RedisServer.start()
        try await Fleet.run(FleetSettings(frontEnds: 1, copiers: 0), redis: redis.url) { fleet async throws in
            #expect(try await sum("cloud_mirror_state_available", of: fleet.frontEnds[0]) == 1)
            try await redis.end(.kill)
            try await eventually("the state is away") { try await sum("cloud_mirror_state_available", of: fleet.frontEnds[0]) == 0 }
        }
    }
}
