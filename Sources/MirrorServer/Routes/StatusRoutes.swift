import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage

/// `GET /v1/replicas`, `/v1/pools` and `/v1/stats`: what is where. Never starts a copy.
struct StatusRoutes: Sendable {
    let services: MirrorServices

    func register(on group: RouterGroup<MirrorRequestContext>) {
        group.get("/v1/replicas", use: replicas)
        group.get("/v1/replicas/**", use: replica)
        group.get("/v1/pools", use: pools)
        group.get("/v1/stats", use: stats)
    }

    // MARK: Replicas

    struct ReplicaItem: Encodable {
        let url: String
        let pool: String
        let state: String
        var size: Int64?
        var sha256: String?
        var key: String?
        var stored: String?
        var lastUsed: String?
        var expiring: Bool?
        var error: ErrorItem?

        struct ErrorItem: Encodable {
            let reason: String
            var status: Int?
            let message: String
            let retryAt: String
        }

        init(_ replica: Replica) {
            url = replica.id.artifact.description
            pool = replica.id.pool.description
            state = replica.state.rawValue
            switch replica.status {
            case .present(let object):
                size = object.size
                sha256 = object.sha256?.hex
                key = object.key.description
                stored = object.storedAt.iso8601
                lastUsed = object.lastUsed.iso8601
                expiring = object.markedAt == nil ? nil : true
            case .error(let failure):
                var item = ErrorItem(reason: failure.reason.label, message: failure.message, retryAt: failure.retryAt.iso8601)
                if case .origin(let status) = failure.reason { item.status = status }
                error = item
            case .pending, .removing:
                break
            }
        }
    }

    private struct ReplicaPage: Encodable {
        let replicas: [ReplicaItem]
        let next: String?
    }

    private func replicas(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let parameters = QueryFields(request.uri.query, ["pool", "limit", "state", "after"])
        let pool = try parameters["pool"].map { try services.pool(named: $0).id }
        let limit =
            try parameters["limit"].map { text in
                guard let limit = Int(text), (1...1_000).contains(limit) else {
                    throw RequestError(.inputError, "limit must be from 1 to 1000")
                }
                return limit
            } ?? 100
        let state = try parameters["state"].map { text in
            guard let state = Replica.State(rawValue: text) else {
                throw RequestError(.inputError, "state must be one of \(Replica.State.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return state
        }
        let after = try parameters["after"].map { try Cursor.read($0) }
        let page = try await services.state.replicas(in: pool, state: state, after: after, limit: limit)
        let next = page.count == limit ? page.last.map { Cursor.write($0.id) } : nil
        return JSONResponse.make(ReplicaPage(replicas: page.map(ReplicaItem.init), next: next), for: request)
    }

    /// Where a page of replicas ended: opaque to clients.
    private enum Cursor {
        static func write(_ id: ReplicaID) -> String {
            Base64.encode(Array("\(id.pool) \(id.artifact)".utf8)).replacing("+", with: "-").replacing("/", with: "_")
        }

        static func read(_ text: some StringProtocol) throws -> ReplicaID {
            guard let bytes = Base64.decode(String(text)), let decoded = String(validating: bytes, as: UTF8.self) else { throw unreadable }
            let words = decoded.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let pool = PoolID(String(words[0])), let artifact = try? ArtifactURL(String(words[1])) else {
                throw unreadable
            }
            return ReplicaID(artifact: artifact, pool: pool)
        }

        private static let unreadable = RequestError(.inputError, "after must be the `next` of the page before")
    }

    private func replica(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let target = try RequestTarget(request.uri.path, behind: "/v1/replicas/")
        let artifact = try services.origin(of: target.url).source.name
        let pools = try target.pool.map { [try services.pool($0)] } ?? services.pools.all
        var found: [Replica] = []
        for pool in pools {
            if let replica = try await services.state.replica(ReplicaID(artifact: artifact, pool: pool.id)) { found.append(replica) }
        }
        guard !found.isEmpty else { throw RequestError(.resourceNotFound, "no pool holds this artifact") }
        return JSONResponse.make(ReplicaPage(replicas: found.map(ReplicaItem.init), next: nil), for: request)
    }

    // MARK: Pools

    private struct PoolList: Encodable {
        let pools: [Item]

        struct Item: Encodable {
            let pool: String
            let objects: Int
            let bytes: Int64
            let pending: Int
            let errors: Int
            let maxBytes: Int64?
            let retention: String
            let healthy: Bool
            /// Why not.
            let reason: String?
        }
    }

    private func pools(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let failures = await services.health.checkPools()
        var items: [PoolList.Item] = []
        for pool in services.pools.all {
            let totals = try await services.state.totals(of: pool.id)
            let reason = failures[pool.id].map(HealthReason.full)
            items.append(
                PoolList.Item(
                    pool: pool.id.description, objects: totals.objects, bytes: totals.bytes, pending: totals.pending, errors: totals.errors,
                    maxBytes: pool.maxBytes, retention: pool.retention.summary, healthy: reason == nil, reason: reason))
        }
        return JSONResponse.make(PoolList(pools: items), for: request)
    }

    // MARK: Statistics

    private struct Stats: Encodable {
        /// By outcome, over all pools.
        let redirects: [String: Int64]
        /// By result.
        let copies: [String: Int64]
        let copiedBytes: Int64
        let egressAvoidedBytes: Int64
        let evictions: Int64
        let waiting: Int
        let uptimeSeconds: Int64
        /// Of this process: those that are being copied from, and those that were slow.
        let origins: [Origin]
        let coldClaims: ColdClaims

        /// Client networks that have spent their budget of what is not there yet.
        struct ColdClaims: Encodable {
            /// Networks that are named.
            private static let maxNames = 100

            let spentNetworks: Int
            let networks: [String]

            init(_ spent: [ClientNetwork]) {
                spentNetworks = spent.count
                networks = spent.prefix(Self.maxNames).map(\.description).sorted()
            }
        }

        struct Origin: Encodable {
            let origin: String
            let queued: Int
            let running: Int
            let slow: Int
            let bytesPerSecond: Int64
            let slowed: Int

            /// - Parameter jobs: Queued and under way, in any process.
            init(_ copies: CopySlots.OriginCopies, jobs: Int) {
                origin = copies.origin
                queued = max(jobs - copies.running, 0)
                running = copies.running
                slow = copies.slow
                bytesPerSecond = copies.bytesPerSecond
                slowed = copies.slowed
            }

            /// One that no copy of this process is from.
            init(_ origin: String, jobs: Int) {
                self.origin = origin
                queued = jobs
                (running, slow, bytesPerSecond, slowed) = (0, 0, 0, 0)
            }
        }
    }

    private func stats(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let registry = services.registry
        func sum(_ name: String, by label: String) -> [String: Int64] {
            registry.values(of: name).reduce(into: [:]) { $0[$1.labels[label] ?? "", default: 0] += Int64($1.value) }
        }
        func total(_ name: String) -> Int64 { registry.values(of: name).reduce(0) { $0 + Int64($1.value) } }
        return JSONResponse.make(
            Stats(
                redirects: sum(EngineMetrics.Name.redirects, by: "outcome"), copies: sum(EngineMetrics.Name.copies, by: "result"),
                copiedBytes: total(EngineMetrics.Name.copyBytes), egressAvoidedBytes: total(EngineMetrics.Name.egressAvoided),
                evictions: total(EngineMetrics.Name.evictions), waiting: services.waiters.count,
                uptimeSeconds: services.started.duration(to: services.clock.instant).wholeMilliseconds / 1_000,
                origins: await origins(),
                coldClaims: Stats.ColdClaims(services.redirects.coldClaims.spent)),
            for: request)
    }

    /// Origins with jobs that are listed.
    private static let maxOrigins = 100

    /// Origins that are copied from or were slow, and those that most jobs wait for.
    private func origins() async -> [Stats.Origin] {
        var jobs: [String: Int] = [:]
        for pool in services.pools.all {
            // The rest of the figures is this process's own, and is told while the state is away.
            for lane in (try? await services.state.lanes(in: pool.id, limit: Self.maxOrigins)) ?? [] {
                jobs[lane.lane.description, default: 0] += lane.jobs
            }
        }
        let copied = services.copySlots?.origins ?? []
        let others = Set(jobs.keys).subtracting(copied.map(\.origin)).sorted { (jobs[$1] ?? 0, $0) < (jobs[$0] ?? 0, $1) }
        return copied.map { Stats.Origin($0, jobs: jobs[$0.origin] ?? 0) }
            + others.prefix(Self.maxOrigins).map { Stats.Origin($0, jobs: jobs[$0] ?? 0) }
    }
}
