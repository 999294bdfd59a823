import ArgumentParser
import MirrorCore
import MirrorStorage
import TestServers
import Testing

@testable import MirrorNode
@testable import CloudMirror

@Suite struct CommandOutputTests {
    @Test("A progress line fits its terminal", arguments: [10, 20, 40, 60, 80, 200])
    func progressWidth(width: Int) {
        let name = String(repeating: "long-name-", count: 10)
        for total in [nil, Int64(0), 10_000_000] {
            let line = ProgressLine.text(name: name, received: 5_000_000, total: total, rate: 1_000_000, width: width)
            #expect(line.count < width)
        }
    }

    @Test("A progress line says how far, how fast and how long")
    func progress() {
        #expect(
            ProgressLine.text(name: "a.whl", received: 5 << 20, total: 10 << 20, rate: Double(1 << 20), width: 80)
                == "a.whl  [##############...............]  50%  5.0 MiB of 10.0 MiB  1.0 MiB/s  5s")
        #expect(ProgressLine.text(name: "a.whl", received: 5 << 20, total: nil, rate: 0, width: 80) == "a.whl  5.0 MiB  -")
    }

    @Test("Numbers that no download has do no harm")
    func oddNumbers() {
        for rate in [Double.nan, .infinity, -1, 1e300] {
            #expect(!ProgressLine.text(name: "x", received: .max, total: 1, rate: rate, width: 80).isEmpty)
        }
        #expect(HumanText.tenths(.nan) == "?")
        #expect(HumanText.tenths(.infinity) == "?")
    }

    @Test(
        "Bytes and seconds as people read them",
        arguments: [
            (HumanText.bytes(0), "0 B"), (HumanText.bytes(1_023), "1023 B"), (HumanText.bytes(1_536), "1.5 KiB"),
            (HumanText.bytes(5 << 40), "5.0 TiB"), (HumanText.seconds(-3), "0s"), (HumanText.seconds(59), "59s"),
            (HumanText.seconds(200), "3m20s"),
            (HumanText.seconds(7_500), "2h05m"), (HumanText.seconds(86_400), "1d"), (HumanText.seconds(273_600), "3d4h"),
        ])
    func human(text: String, expected: String) {
        #expect(text == expected)
    }

    @Test("A table lines up, and no cell can drive the terminal")
    func table() {
        var table = TextTable([("NAME", .left), ("SIZE", .right)])
        table.add(["a", "1"])
        table.add(["long \u{1B}[31mname", "1000"])
        #expect(
            table.text() == """
                NAME            SIZE
                a                  1
                long ?[31mname  1000

                """)
    }

    @Test("Stats show every number under its group")
    func stats() throws {
        let json = try #require(
            JSONValue.parse(
                Array(#"{"redirects":{"hit":10,"wait":2},"egressBytesAvoided":1048576,"uptimeSeconds":90,"note":"x","ok":true}"#.utf8)))
        #expect(
            StatsCommand.text(json) == """
                egressBytesAvoided  1048576 (1.0 MiB)
                uptimeSeconds       90 (1m30s)

                redirects
                  hit                 10
                  wait                2

                """)
        #expect(StatsCommand.text(.null) == "no numbers\n")
    }

    @Test("Stats show origins as a table, and pools why one is not healthy")
    func originsAndReasons() throws {
        let stats = try #require(
            JSONValue.parse(
                Array(
                    #"""
                    {"waiting":1,"origins":[{"origin":"https://a.example","queued":12,"running":8,"slow":2,"bytesPerSecond":2048,"slowed":3}],
                    "coldClaims":{"spentNetworks":2,"networks":["192.0.2.7","2001:db8::/64"]}}
                    """#.utf8)))
        #expect(
            StatsCommand.text(stats) == """
                waiting        1

                coldClaims
                  spentNetworks  2

                ORIGIN             QUEUED  RUNNING  SLOW  PER SECOND  SLOW SO FAR
                https://a.example      12        8     2     2.0 KiB            3

                NETWORK WITHOUT A BUDGET LEFT
                192.0.2.7
                2001:db8::/64

                """)
        let pools = try #require(
            JSONValue.parse(
                Array(
                    #"[{"pool":"local/a","healthy":true},{"pool":"s3/b","healthy":false,"reason":"permissionDenied: no\u001b list"}]"#.utf8)
            ))
        #expect(PoolsListCommand.table(pools.elements).hasSuffix("\ns3/b is not healthy: permissionDenied: no? list\n"))
    }

    @Test("Replicas and pools survive answers that lack half of it")
    func tables() throws {
        let replicas = try #require(
            JSONValue.parse(
                Array(#"[{"url":"https://a/1","state":"present","size":1024},{"state":"error","error":{"message":"no"}},7]"#.utf8)))
        #expect(ReplicasCommand.table(replicas.elements).contains("1.0 KiB"))
        #expect(ReplicasCommand.table(replicas.elements).contains("(no)"))
        #expect(ReplicasCommand.table([]) == "no replicas\n")
        #expect(PoolsListCommand.table([.object(["pool": .string("local/dev")])]).contains("local/dev"))
    }

    @Test("`pools` shows the pools, and looks after them when it is told to")
    func pools() throws {
        #expect(try CloudMirrorCommand.parseAsRoot(["pools"]) is PoolsListCommand)
        #expect((try CloudMirrorCommand.parseAsRoot(["pools", "--json"]) as? PoolsListCommand)?.admin.json == true)
        #expect(try CloudMirrorCommand.parseAsRoot(["pools", "list"]) is PoolsListCommand)
        let apply = try #require(
            try CloudMirrorCommand.parseAsRoot(["pools", "apply", "--config", "f.yaml", "--yes", "--pool", "s3/x"]) as? PoolsApplyCommand)
        #expect(apply.yes && apply.file.config == "f.yaml" && apply.file.pool?.description == "s3/x")
        #expect(try CloudMirrorCommand.parseAsRoot(["pools", "check", "--config", "f.yaml"]) is PoolsCheckCommand)
        #expect(throws: (any Error).self) { try CloudMirrorCommand.parseAsRoot(["pools", "check"]) }
    }

    @Test("Lines of a plan line up, and cannot drive the terminal")
    func planRows() {
        #expect(SetupLine(.ok, "fine").row == "  ok      fine\n")
        #expect(SetupLine(.problem, "a\u{1B}b").row == "  problem a?b\n")
    }

    @Test("Pools of a file are looked up, and a directory needs nothing but that it can be made")
    func poolSetup() async throws {
        let directory = try TemporaryDirectory()
        let configuration = try Configuration.reading(minimalFile.replacing("/pool", with: "\(directory.path)/pool"))
        #expect(throws: StartError.self) { try PoolSetup(configuration, only: PoolID("s3/x")) }
        let setup = try PoolSetup(configuration, only: nil)
        let plans = try await setup.plans()
        #expect(plans.map(\.pool.description) == ["local/dev"])
        #expect(!plans.contains { $0.plan.apply != nil || $0.plan.hasProblems })
        var lines = 0
        #expect(try await setup.check { _, line in lines += line.mark == .ok ? 1 : 0 })
        #expect(lines == 1)
        #expect(try directory.contents() == [])
        await setup.close()
    }
}
