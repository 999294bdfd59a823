import CloudRegions
import MirrorCore
import MirrorState
import MirrorTesting
import NamedOrigins

@testable import MirrorServer

/// A mirror in some state, and what it is asked then.
struct APIScene: Sendable {
    let name: String
    var options = MirrorOptions()
    /// Before the mirror starts.
    var prepare: @Sendable (World) async throws -> Void = { _ in }
    /// Once it serves.
    var begin: @Sendable (MirrorFixture) async -> Void = { _ in }
    /// One after the other.
    let requests: [APIRequest]

    /// Together they ask for every JSON answer that the OpenAPI document names, with all of its properties.
    static let all = [everything, temporaryRedirects, byCost, selection, named, brokenPool, stateAway, slowBody]

    private static let everything = APIScene(
        name: "a mirror that works",
        prepare: { world in
            // First, while no other copy is queued.
            try await world.fail("/gone.txt", .origin(status: 410))
            try await world.seed("/marked.txt")
            _ = try await world.state.mark([try world.id("/marked.txt")], unusedSince: world.clock.now)
            try await world.seed("/a.txt")
            try await world.seed("/purged.txt")
            _ = try await world.state.claim(try world.id("/pending.txt"))
        },
        requests: redirects + warm + replicas + status + purges)

    private static let temporaryRedirects = APIScene(
        name: "redirects with 307", options: .with { $0.redirectStatus = 307 },
        prepare: { world in try await world.seed("/a.txt") },
        requests: [APIRequest("redirect", 307), APIRequest("redirectChosen", 307, query: "pool=local/dev")])

    private static let byCost = APIScene(
        name: "a pool that goes by cost",
        options: .with { options in
            options.isByCost = true
            options.prices = World.prices
        },
        prepare: { world in try await world.seed("/a.txt") },
        requests: [
            APIRequest("replica", 200, query: "explain=1"), APIRequest("replicasOfArtifact", 200, query: "explain=1"),
            APIRequest("redirect", 302), APIRequest("stats", 200),
        ])

    private static let selection = APIScene(
        name: "pools of a network and of a cloud region",
        options: .with { options in
            guard let network = IPNetwork("10.0.0.0/8"), let pool = World.pool, let otherPool = World.otherPool,
                let region = CloudRegion("aws/us-west-2"),
                let list = try? RegionList(
                    .aws, date: Timestamp(milliseconds: 1_793_000_000_000), entries: [("192.0.2.0/24", "us-west-2")])
            else { return }
            options.networks = [(network, otherPool)]
            options.regionPools = [region: pool]
            options.regions = CloudRegionTable([list])
        },
        requests: [
            APIRequest("which", 200, query: "address=10.1.2.3"),
            APIRequest("which", 200, query: "address=192.0.2.1"),
            APIRequest("which", 200, query: "address=%3A%3Affff%3A203.0.113.1"),
            APIRequest("which", 400, query: "address=192.0.2.0/24"),
            APIRequest("which", 401, query: "address=192.0.2.1", hasToken: false),
        ])

    private static let named = APIScene(
        name: "named origins",
        options: .with { options in
            guard let url = try? ArtifactURL(World.origin + "/") else { return }
            options.named = [NamedOrigin(name: "pip", url: url, preset: .python), NamedOrigin(name: "files", url: url)]
        },
        requests: [APIRequest("clients", 200)])

    private static let brokenPool = APIScene(
        name: "a broken pool",
        prepare: { world in
            try await world.seed("/a.txt")
            try await world.seed("/b.txt")
            try await world.store("/stored.txt")
        },
        begin: { mirror in mirror.store.breakDown() },
        requests: [
            APIRequest("purge", 503), APIRequest("purgeAll", 503, url: url("/b.txt")),
            APIRequest("localObject", 503, url: url("/stored.txt")), APIRequest("pools", 200),
        ])

    private static let stateAway = APIScene(
        name: "a state that does not answer",
        begin: { mirror in await mirror.world.base.close() },
        requests: [
            APIRequest("replicas", 503), APIRequest("replica", 503), APIRequest("replicasOfArtifact", 503), APIRequest("pools", 503),
            APIRequest("ready", 503),
        ])

    private static let slowBody = APIScene(
        name: "a body that does not arrive", options: .with { $0.bodyTimeout = .milliseconds(300) },
        requests: [APIRequest("warm", 408, fields: [("Content-Length", "1000")])])

    // MARK: What a mirror is asked that works

    private static let other = "https://other.example/a.txt"

    private static func url(_ path: String) -> String { World.origin + path }

    private static let redirects: [APIRequest] = [
        APIRequest("redirect", 302),
        APIRequest("redirect", 302, url: url("/new.txt")),
        APIRequest("redirect", 400, query: "wait=x"),
        APIRequest("redirect", 403, url: other),
        APIRequest("redirect", 404, region: "nowhere"),
        APIRequest("redirect", 410, url: url("/gone.txt")),
        APIRequest("redirectChosen", 302, query: "pool=local/dev"),
        APIRequest("redirectChosen", 400, query: "pool=local/dev&wait=x"),
        APIRequest("redirectChosen", 403, url: other, query: "pool=local/dev"),
        APIRequest("redirectChosen", 404, query: "pool=local/nowhere"),
        APIRequest("redirectChosen", 410, url: url("/gone.txt"), query: "pool=local/dev"),
        APIRequest("go", 400, query: "url=x"),
        APIRequest("go", 404, query: "url=\(other)&pool=local/nowhere"),
        APIRequest("localObject", 404, url: url("/none.txt")),
        APIRequest("localObject", 412, fields: [("If-Match", "\"x\"")]),
        APIRequest("localObject", 416, fields: [("Range", "bytes=1000-")]),
    ]

    private static let warm: [APIRequest] = [
        .warm(202, WarmCall.Request(urls: [url("/a.txt"), url("/warm.txt"), other])),
        .warm(202, WarmCall.Request(urls: [url("/a.txt")], pools: ["local/dev"])),
        .warm(400, WarmCall.Request(urls: ["no URL"])),
        .warm(401, WarmCall.Request(urls: []), hasToken: false),
        .warm(404, WarmCall.Request(urls: [], pools: ["local/nowhere"])),
        APIRequest("warm", 413, fields: [("Content-Length", "\(WarmCall.maxBody + 1)")]),
    ]

    private static let replicas: [APIRequest] = [
        APIRequest("replicas", 200),
        APIRequest("replicas", 200, query: "limit=1"),
        APIRequest("replicas", 400, query: "limit=0"),
        APIRequest("replicas", 401, hasToken: false),
        APIRequest("replicas", 404, query: "pool=local/nowhere"),
        APIRequest("replica", 200),
        APIRequest("replica", 400, url: "x"),
        APIRequest("replica", 401, hasToken: false),
        APIRequest("replica", 404, url: url("/none.txt")),
        APIRequest("replicasOfArtifact", 200),
        APIRequest("replicasOfArtifact", 400, url: "x"),
        APIRequest("replicasOfArtifact", 401, hasToken: false),
        APIRequest("replicasOfArtifact", 404, url: url("/none.txt")),
    ]

    private static let status: [APIRequest] = [
        APIRequest("pools", 200),
        APIRequest("pools", 401, hasToken: false),
        APIRequest("stats", 200),
        APIRequest("stats", 401, hasToken: false),
        APIRequest("ping", 200),
        APIRequest("apiReference", 200),
        APIRequest("health", 200),
        APIRequest("ready", 200),
    ]

    private static let purges: [APIRequest] = [
        APIRequest("purge", 200, url: url("/purged.txt"), fields: [("Prefer", PurgeCall.preference)]),
        APIRequest("purge", 400, url: "x"),
        APIRequest("purge", 401, hasToken: false),
        APIRequest("purge", 404, region: "nowhere"),
        APIRequest("purgeAll", 200, url: url("/purged.txt"), fields: [("Prefer", PurgeCall.preference)]),
        APIRequest("purgeAll", 400, url: "x"),
        APIRequest("purgeAll", 401, hasToken: false),
    ]
}
