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

    @Test("`which` says which pool an address gets, and why")
    func which() {
        func text(_ pool: String?, _ reason: String, network: String? = nil, region: String? = nil, hasLists: Bool = false) -> String {
            let lists = [
                WhichCall.List(cloud: "aws", prefixes: 1, date: "2026-10-26T00:00:00.000Z"),
                WhichCall.List(cloud: "google", prefixes: 1, date: "2026-11-01T12:00:00.000Z"),
            ]
            return WhichCommand.text(
                WhichCall.Answer(
                    address: "192.0.2.1", pool: pool, reason: reason, network: network, region: region, lists: hasLists ? lists : []))
        }
        #expect(
            text("local/dev", "network", network: "192.0.2.0/24", region: "aws/us-west-2", hasLists: true) == """
                local/dev: its network 192.0.2.0/24 is in selection.networks
                in aws/us-west-2
                lists of regions: aws 2026-10-26, google 2026-11-01

                """)
        #expect(text("s3/us-west-2", "region", region: "aws/us-west-2") == "s3/us-west-2: it is in aws/us-west-2\n")
        #expect(
            text("s3/us-west-2", "nearest", region: "aws/us-west-1")
                == "s3/us-west-2: it is in aws/us-west-1, and this pool is the nearest\n")
        #expect(text(nil, "default") == "origin: selection.default, because no pool serves its address\n")
        #expect(
            text(nil, "default", region: "aws/us-west-1") == "origin: selection.default, because no pool serves aws/us-west-1\n")
        #expect(text("local/dev", "of a newer mirror\u{1B}") == "local/dev: of a newer mirror?\n")
    }

    @Test("`clients` prints everything, or what is for an origin or a client; of one file only its lines")
    func clients() throws {
        func recipe(_ client: String, _ lines: String) -> ClientsCall.Recipe {
            ClientsCall.Recipe(client: client, place: "\(client).conf", lines: lines)
        }
        let answer = ClientsCall.Answer(origins: [
            ClientsCall.Origin(
                name: "one", preset: "python", origin: "https://a/", url: "https://m/o/one/",
                recipes: [recipe("pip", "[global]\nx = 1"), recipe("uv", "y")]),
            ClientsCall.Origin(
                name: "two", preset: nil, origin: "https://b/", url: "https://m/o/two/", recipes: [recipe("npm, yarn 1", "z\u{1B}")]),
        ])
        let first = "one: https://a/\n\npip: pip.conf\n\n    [global]\n    x = 1\n\nuv: uv.conf\n\n    y\n"
        #expect(try ClientsCommand.text(answer, nil) == "\(first)\ntwo: https://b/\n\nnpm, yarn 1: npm, yarn 1.conf\n\n    z?\n")
        #expect(try ClientsCommand.text(answer, "one") == first)
        #expect(try ClientsCommand.text(answer, "pip") == "[global]\nx = 1\n")
        #expect(try ClientsCommand.text(answer, "yarn 1") == "z?\n")
        let failure = try #require(throws: CommandFailure.self) { try ClientsCommand.text(answer, "none") }
        #expect(failure.message.hasSuffix("called 'none'; there are: one, two, pip, uv, npm, yarn 1"))
        #expect(try ClientsCommand.text(ClientsCall.Answer(origins: []), nil) == "\(ClientsText.none)\n")
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

    @Test("No output can drive the terminal, or turn text around, and JSON means the same")
    func foreignText() throws {
        let text = "a\u{9B}31m\u{202E}b\u{7F}\u{2028}\u{E9}\u{65E5}"
        #expect(TextTable.printable(text) == "a?31m?b??\u{E9}\u{65E5}")
        let value = JSONValue.object(["\u{85}": .array([.string(text)])])
        let json = value.text
        #expect(json.contains(#""\u0085""#) && json.contains(#""a\u009b31m\u202eb\u007f\u2028\#u{E9}\#u{65E5}""#), "\(json)")
        #expect(!json.unicodeScalars.contains { $0.isUnsafe && $0 != "\n" })
        #expect(try JSONText.decode(Array(json.utf8)) == value)
    }

    private static func answer<Body: Decodable & Sendable>(_ json: String) throws -> WholeAnswer<Body> {
        try JSONText.decode(Array(json.utf8))
    }

    @Test("Stats show every number under its group, also those that this version does not know")
    func stats() throws {
        let stats: WholeAnswer<StatsCall.Answer> = try Self.answer(
            #"""
            {"redirects":{"hit":10,"wait":2},"copies":{"present":3},"copiedBytes":1048576,"egressAvoidedBytes":2048,"evictions":0,
            "waiting":1,"uptimeSeconds":90,"origins":[],"coldClaims":{"spentNetworks":0,"networks":[]},
            "newBytes":1536,"load":0.25,"note":"x","ok":true}
            """#)
        #expect(
            StatsCommand.text(stats) == """
                copiedBytes         1048576 (1.0 MiB)
                egressAvoidedBytes  2048 (2.0 KiB)
                evictions           0
                load                0.3
                newBytes            1536 (1.5 KiB)
                uptimeSeconds       90 (1m30s)
                waiting             1

                coldClaims
                  spentNetworks       0

                copies
                  present             3

                redirects
                  hit                 10
                  wait                2

                """)
    }

    @Test("Stats show dollars in a table, with the day of the prices")
    func dollars() throws {
        let stats: WholeAnswer<StatsCall.Answer> = try Self.answer(
            #"""
            {"redirects":{},"copies":{},"copiedBytes":0,"egressAvoidedBytes":0,"evictions":0,"waiting":0,"uptimeSeconds":0,"origins":[],
            "coldClaims":{"spentNetworks":0,"networks":[]},"savings":{"pricesAsOf":"2026-01-31","savedDollars":12.5,
            "costDollars":{"storage":3,"egress":1.25,"requests":0.000001},"counterfactualDollars":{"never":16,"ttl":7.125}}}
            """#)
        #expect(
            StatsCommand.text(stats).split(separator: "\n\n").last ?? "" == """
                AT LIST PRICES OF 2026-01-31     DOLLARS
                saved by hits                      12.50
                paid for egress                     1.25
                paid for requests               0.000001
                paid for storage                    3.00
                paid in all                         4.25
                instead, with the policy never     16.00
                instead, with the policy ttl        7.13

                """)
    }

    @Test("Stats show origins as a table, and pools why one is not healthy")
    func originsAndReasons() throws {
        let stats: WholeAnswer<StatsCall.Answer> = try Self.answer(
            #"""
            {"redirects":{},"copies":{},"copiedBytes":0,"egressAvoidedBytes":0,"evictions":0,"waiting":1,"uptimeSeconds":0,
            "origins":[{"origin":"https://a.example","queued":12,"running":8,"slow":2,"bytesPerSecond":2048,"slowed":3}],
            "coldClaims":{"spentNetworks":2,"networks":["192.0.2.7","2001:db8::/64"]}}
            """#)
        #expect(
            StatsCommand.text(stats) == """
                copiedBytes         0 (0 B)
                egressAvoidedBytes  0 (0 B)
                evictions           0
                uptimeSeconds       0 (0s)
                waiting             1

                coldClaims
                  spentNetworks       2

                ORIGIN             QUEUED  RUNNING  SLOW  PER SECOND  SLOW SO FAR
                https://a.example      12        8     2     2.0 KiB            3

                NETWORK OVER ITS BUDGET
                192.0.2.7
                2001:db8::/64

                """)
        func pool(_ name: String, reason: String?) -> PoolsCall.Item {
            .init(
                pool: name, objects: 1, bytes: 1_024, pending: 2, errors: 3, maxBytes: nil, retention: "7d", healthy: reason == nil,
                reason: reason)
        }
        #expect(
            PoolsListCommand.table([pool("local/a", reason: nil), pool("s3/b", reason: "permissionDenied: no\u{1B} list")]) == """
                POOL     HEALTHY  OBJECTS    BYTES  LIMIT  PENDING  ERRORS  KEPT
                local/a  yes            1  1.0 KiB   none        2       3  7d
                s3/b     no             1  1.0 KiB   none        2       3  7d
                s3/b is not healthy: permissionDenied: no? list

                """)
        #expect(PoolsListCommand.table([]) == "no pools\n")
    }

    @Test("Replicas are shown with their sizes, and with why there is none")
    func replicas() {
        var present = ReplicasCall.Item(url: "https://a.example/1", pool: "local/dev", state: "present")
        present.size = 1_024
        present.lastUsed = "2026-01-31T12:00:00.000Z"
        var failed = ReplicasCall.Item(url: "https://a.example/2", pool: "local/dev", state: "error")
        failed.error = .init(reason: "origin", status: 404, message: "no", retryAt: "2026-01-31T12:00:00.000Z")
        #expect(
            ReplicasCommand.table([present, failed]) == """
                STATE    POOL          SIZE  LAST USED                 ARTIFACT
                present  local/dev  1.0 KiB  2026-01-31T12:00:00.000Z  https://a.example/1
                error    local/dev                                     https://a.example/2  (no)

                """)
        present.pool = "local/\u{1B}"
        present.explanation = ["It is\u{1B} kept."]
        #expect(
            ReplicasCommand.table([present]) == """
                STATE    POOL        SIZE  LAST USED                 ARTIFACT
                present  local/?  1.0 KiB  2026-01-31T12:00:00.000Z  https://a.example/1

                local/?
                  It is? kept.

                """)
        #expect(ReplicasCommand.table([]) == "no replicas\n")
    }

    @Test("An answer may have members that this version does not know, and they are kept")
    func unknownMembers() throws {
        let pool = #"{"bytes":0,"errors":0,"healthy":true,"new":[1],"objects":0,"pending":0,"pool":"a/b","retention":""}"#
        let json = #"{"pools":[\#(pool)],"x":{}}"#
        let answer: WholeAnswer<PoolsCall.Answer> = try Self.answer(json)
        #expect(answer.body.pools.map(\.pool) == ["a/b"])
        #expect(String(decoding: JSONText.bytes(answer.json), as: UTF8.self) == json)
    }

    @Test(
        "An answer that is not what it should be is refused, and the message says what is wrong with it",
        arguments: [
            ("<html>log in</html>", "it is not JSON"), ("", "it is not JSON"), ("[]", "it is of the wrong type"),
            ("{}", "'pools' is missing"), (#"{"pools":null}"#, "'pools' is null"), (#"{"pools":{}}"#, "'pools' is of the wrong type"),
            (#"{"pools":[{"pool":"a/b","objects":0}]}"#, "'pools.0.bytes' is missing"),
            (#"{"pools":[{"pool":"a/b","objects":"0"}]}"#, "'pools.0.objects' is of the wrong type"),
        ])
    func otherAnswers(json: String, flaw: String) {
        let error = #expect(throws: DecodingError.self) {
            let _: WholeAnswer<PoolsCall.Answer> = try Self.answer(json)
        }
        #expect(error?.words == flaw)
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
