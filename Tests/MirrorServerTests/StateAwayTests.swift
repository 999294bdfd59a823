import MirrorCore
import MirrorEngine
import MirrorState
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct StateAwayTests {
    @Test(arguments: [
        "/v1/replicas", "/v1/replicas?pool=local/dev", "/v1/pools", "/v1/replicas/{artifact}", "/v1/replicas/local/dev/{artifact}",
    ])
    func `what is where cannot be told while the state is away, and that is a 503 which says so`(target: String) async throws {
        let world = World()
        // Not one that is in memory.
        let artifact = World.target("/a.txt", route: "/")
        try await MirrorFixture.run(world) { mirror in
            await world.base.close()
            let response = try await mirror.admin("GET", target.replacing("/{artifact}", with: artifact))
            #expect(response.status == 503)
            #expect(response.json["code"]?.string == "ServiceUnavailable")
            #expect(response.json["message"]?.string?.contains("the state cannot be reached") == true)
        }
    }

    @Test func `statistics are this process's own, and are told while the state is away`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            await world.base.close()
            let response = try await mirror.admin("GET", "/v1/stats")
            #expect(response.status == 200)
        }
    }

    @Test func `warming while the state is away tells of each artifact that it cannot be done now`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            await world.base.close()
            let body = #"{"urls":["\#(World.origin)/a.txt"],"pools":["local/dev"]}"#
            let response = try await mirror.admin("POST", "/v1/warm", body: body)
            #expect(response.status == 202)
            #expect(response.json["replicas"]?.array?.map { $0["state"]?.string } == ["unavailable"])
        }
    }

    @Test func `a process that only copies has no references of what it does not answer`() async throws {
        try await MirrorFixture.run(World(), .with { $0.servesArtifacts = false }) { mirror in
            for target in ["/v1/api-reference", "/v1/openapi.yaml"] {
                let response = try await mirror.get(target)
                #expect(response.status == 404, "\(target)")
            }
        }
    }

    @Test func `requests that no pool serves are counted, and nothing else is told of no pool`() throws {
        let registry = MetricsRegistry()
        _ = EngineMetrics(pools: [try require(World.pool)], factory: registry)
        let lines = registry.prometheusText().split(separator: "\n").filter { $0.contains(#"pool="none""#) }
        #expect(!lines.isEmpty)
        let names = ["cloud_mirror_redirects_total{", "cloud_mirror_redirect_duration_seconds", "cloud_mirror_fallbacks_total{"]
        #expect(lines.allSatisfy { line in names.contains { line.hasPrefix($0) } })
    }
}
