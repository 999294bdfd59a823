import MirrorCore
import NIOHTTP1
import TestServers
import Testing

/// Who has the artifacts.
enum PairOrigin: String, CaseIterable, Sendable {
    case http, s3, gcs, azure
    /// A local pool of another mirror, which serves it by HTTP: nothing else reads local pools.
    case local
}

/// A mirror with a public and a private pool of every service, which `pools apply` has made, and an origin of one kind.
///
/// Each pool gets artifacts of its own: nothing can be copied from another pool.
struct PairScene: Sendable {
    struct Pool: Sendable {
        let name: String
        /// What locations begin with; `nil` where the mirror itself serves the objects.
        let base: String?
        let isSigned: Bool

        var service: String { String(name.prefix { $0 != "/" }) }
        /// What the paths of all requests about it contain.
        var path: String { base.map { "\($0.split(separator: "/").last ?? "")/" } ?? "" }
    }

    private enum Home: Sendable {
        case web(FakeOrigin)
        case bucket(any CloudServer, String)
        case mirror(MirrorProcess, from: FakeOrigin)
    }

    let mirror: MirrorProcess
    let pools: [Pool]
    private let home: Home

    /// - Parameter services: Those that have pools.
    static func run(
        _ origin: PairOrigin, services: Set<String> = ["s3", "gcs", "azure", "local"], _ body: (PairScene) async throws -> Void
    ) async throws {
        let servers: [any CloudServer] = try [S3Server(), GCSServer(), AzureServer()]
        try await FakeOrigin.run { web async throws in
            var settings = MirrorSettings(allow: [web.url("/")])
            settings.partSize = PairArtifact.partSize
            settings.maxWait = "40s"
            let pools = addPools(of: servers.filter { services.contains($0.service) }, to: &settings)
            switch origin {
            case .http: try await serve(settings, pools, .web(web), body)
            case .local:
                try await MirrorProcess.run(MirrorSettings(allow: [web.url("/")])) { other async throws in
                    settings.allow = ["\(other.url)/"]
                    try await serve(settings, pools, .mirror(other, from: web), body)
                }
            case .s3, .gcs, .azure:
                let server = try #require(servers.first { $0.service == origin.rawValue })
                let bucket = try await server.makeBucket("home")
                settings.moreOrigins = ["\(origin.rawValue): [\(server.origin(bucket))]"]
                if origin == .s3 { (settings.buckets, settings.moreOrigins) = ([server.origin(bucket)], []) }
                try await serve(settings, pools, .bucket(server, bucket), body)
            }
        }
    }

    private static func addPools(of servers: [any CloudServer], to settings: inout MirrorSettings) -> [Pool] {
        let regions = ["s3": ("eu-central-1", "eu-west-1"), "gcs": ("us-central1", "us-east1"), "azure": ("westeurope", "northeurope")]
        var pools = [Pool(name: MirrorProcess.pool, base: nil, isSigned: false)]
        for server in servers {
            guard let (one, other) = regions[server.service] else { continue }
            for (region, access) in [(one, "presigned"), (other, "public")] {
                let bucket = S3Server.name("pool")
                let name = "\(server.service)/\(region)"
                settings.morePools.append("\(name): \(server.pool(bucket, access: access))")
                pools.append(Pool(name: name, base: server.base(of: bucket), isSigned: access == "presigned"))
            }
        }
        return pools
    }

    /// Makes the buckets of the pools, and starts the mirror.
    private static func serve(
        _ settings: MirrorSettings, _ pools: [Pool], _ home: Home, _ body: (PairScene) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
        let applied = try await Command.run(["pools", "apply", "--config", file, "--yes"])
        try #require(applied.exit == .code(0), "\(applied.output) \(applied.errors)")
        let mirror = MirrorProcess(["--config", file], in: directory, token: settings.token)
        try await mirror.whileRunning { mirror async throws in
            try await body(PairScene(mirror: mirror, pools: pools, home: home))
        }
    }

    /// What the paths of all requests about the origin's bucket contain.
    var homePath: String {
        if case .bucket(_, let bucket) = home { "\(bucket)/" } else { "" }
    }

    /// Gives an artifact to the origin.
    ///
    /// - Returns: The URL that a client asks for.
    func offer(_ artifact: PairArtifact, for pool: Pool) async throws -> String {
        let key = "\(pool.name)/\(artifact.name)"
        switch home {
        case .web(let web): return Self.offer(artifact, key, at: web)
        case .bucket(let server, let bucket):
            try await server.put(artifact, as: key, in: bucket)
            return server.artifact(key, in: bucket)
        case .mirror(let other, let web):
            let answer = try await other.redirect(Self.offer(artifact, key, at: web))
            let location = try #require(answer.location)
            return other.url + location
        }
    }

    private static func offer(_ artifact: PairArtifact, _ key: String, at web: FakeOrigin) -> String {
        let path = "/\(PercentCoding.encode(path: key))"
        web.on(path, artifact.behavior)
        return web.url(path)
    }

    /// Where a redirect leads, also where it is relative.
    func location(_ answer: HTTP.Answer, in pool: Pool) throws -> String {
        let location = try #require(answer.location, "\(answer.status) \(answer.text)")
        try #require(location.hasPrefix(pool.base ?? "/local/"), "\(location) does not lead to \(pool.name)")
        return pool.base == nil ? mirror.url + location : location
    }

    /// Bytes that went through the mirror into a pool, and that its service copied by itself, since the start.
    func copied(in pool: Pool) async throws -> (through: Double, byService: Double) {
        let lines = try await mirror.send(.GET, "/metrics").text.split(separator: "\n").filter { $0.contains("pool=\"\(pool.name)\"") }
        func total(_ name: String) -> Double {
            lines.filter { $0.hasPrefix("\(name){") }.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
        }
        return (total("cloud_mirror_copy_bytes_total"), total("cloud_mirror_server_side_copy_bytes_total"))
    }
}
