import MirrorCore
import MirrorStorage
import StorageCloud
import Testing

@testable import StorageAzure

@Suite("What has to be done to a container")
struct AzurePoolPlanTests {
    private func target(
        _ access: BucketAccess = .public, prefix: String = "", publicURL: String? = nil, retention: Duration = .seconds(86_400)
    ) throws -> AzurePoolTarget {
        let configuration = AzureConfiguration(
            container: "mirror", endpoint: AzureEndpoint(account: "mymirror"),
            reading: BucketReading(access: access, publicURL: try publicURL.map { try ArtifactURL($0) }, keyPrefix: prefix),
            credentials: StaticCredentials<AzureCredentials>.anonymous)
        return AzurePoolTarget(configuration, retention: retention)
    }

    private func plan(
        _ target: AzurePoolTarget, _ exists: KnownSetting<Bool>, _ access: AzureContainerState.PublicAccess
    ) -> AzurePoolPlan {
        AzurePoolPlan(target, AzureContainerState(exists: exists, access: access))
    }

    private func steps(_ plan: AzurePoolPlan) -> [AzurePoolPlan.Step] { plan.lines.compactMap(\.step) }

    @Test("A container that is not there is made, public where clients read it by plain URLs")
    func missing() throws {
        #expect(steps(plan(try target(), .value(false), .nobody)) == [.createContainer(.blob)])
        #expect(steps(plan(try target(.presigned), .value(false), .nobody)) == [.createContainer(.nobody)])
        #expect(steps(plan(try target(publicURL: "https://cdn.example.org"), .value(false), .nobody)) == [.createContainer(.nobody)])
    }

    @Test(
        "A container that is right is left alone",
        arguments: [(BucketAccess.public, "blob"), (.public, "container"), (.presigned, "none")])
    func right(_ access: BucketAccess, _ held: String) throws {
        let plan = plan(try target(access), .value(true), try #require(AzureContainerState.PublicAccess(rawValue: held)))
        #expect(steps(plan).isEmpty)
        #expect(plan.lines.map(\.mark) == [.ok, .ok, .note])
    }

    @Test("Who may read is changed where the container is the pool's alone; with a prefix it is told what it would mean")
    func access() throws {
        #expect(steps(plan(try target(), .value(true), .nobody)) == [.setAccess(.blob)])
        #expect(steps(plan(try target(.presigned), .value(true), .container)) == [.setAccess(.nobody)])
        let shared = plan(try target(prefix: "p/"), .value(true), .nobody)
        #expect(steps(shared).isEmpty && shared.lines.map(\.mark) == [.ok, .problem, .note])
        #expect(shared.lines[1].text.contains("az storage container set-permission --account-name mymirror --name mirror"))
        let open = plan(try target(.presigned, prefix: "p/"), .value(true), .blob)
        #expect(steps(open).isEmpty && open.lines.map(\.mark) == [.ok, .note, .note])
        let elsewhere = plan(try target(publicURL: "https://cdn.example.org"), .value(true), .nobody)
        #expect(steps(elsewhere).isEmpty && elsewhere.lines.map(\.mark) == [.ok, .note, .note])
    }

    @Test("What cannot be found out is a problem, and nothing is done")
    func unknown() throws {
        for exists in [KnownSetting<Bool>.unsupported, .unknown("no")] {
            let plan = plan(try target(), exists, .nobody)
            #expect(steps(plan).isEmpty && plan.lines.map(\.mark) == [.problem])
        }
    }

    @Test(
        "The rule for forgotten objects is one that the account takes, a day more than the mirror keeps them and a month at least",
        arguments: [(1, 30), (29, 30), (30, 31), (365, 366)])
    func lifecycle(_ days: Int, _ expected: Int64) throws {
        let target = try target(prefix: "p/", retention: .seconds(days * 86_400))
        let document = try #require(JSONValue(parsing: target.lifecyclePolicy.utf8))
        guard case .object(let whole) = document, case .array(let rules)? = whole["rules"], case .object(let rule)? = rules.first,
            case .object(let definition)? = rule["definition"], case .object(let filters)? = definition["filters"]
        else {
            Issue.record("\(document)")
            return
        }
        #expect(rule["enabled"] == .bool(true) && rule["type"] == .string("Lifecycle"))
        #expect(filters["prefixMatch"] == .array([.string("mirror/p/")]) && filters["blobTypes"] == .array([.string("blockBlob")]))
        #expect(
            definition["actions"]
                == .object(["baseBlob": .object(["delete": .object(["daysAfterModificationGreaterThan": .integer(expected)])])]))
        let note = try #require(plan(target, .value(true), .blob).lines.last)
        #expect(note.mark == .note && note.text.contains("--policy '\(target.lifecyclePolicy)'"))
        #expect(!target.lifecyclePolicy.contains("'"))
    }
}
