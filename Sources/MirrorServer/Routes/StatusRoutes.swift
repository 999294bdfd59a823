import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorState

/// `GET /v1/replicas`, `/v1/pools` and `/v1/stats`: the current contents. They never start a copy.
struct StatusRoutes: Sendable {
    let services: MirrorServices

    func register(on group: RouterGroup<MirrorRequestContext>) {
        group.get("/v1/replicas", use: replicas)
        group.get("/v1/replicas/**", use: replica)
        group.get("/v1/pools", use: pools)
        group.get("/v1/stats", use: stats)
    }

    // MARK: Replicas

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
        let state = try parameters["state"].map { try Self.state(named: $0) }
        let after = parameters["after"]
        return JSONResponse.make(try await page(in: pool, state, after: after, limit: limit), for: request)
    }

    static func state(named word: String) throws(RequestError) -> Replica.State {
        guard let state = Replica.State(rawValue: word) else {
            throw RequestError(.inputError, "state must be one of \(Replica.State.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return state
    }

    /// - Parameter pool: `nil` for all.
    /// - Parameter state: `nil` for any.
    /// - Parameter after: The `next` of the previous page; `nil` for the first.
    func page(in pool: PoolID?, _ state: Replica.State?, after: String?, limit: Int) async throws -> ReplicasCall.Answer {
        let page = try await services.state.replicas(in: pool, state: state, after: try after.map { try Cursor.read($0) }, limit: limit)
        let next = page.count == limit ? page.last.map { Cursor.write($0.id) } : nil
        return ReplicasCall.Answer(replicas: page.map(ReplicasCall.Item.init), next: next)
    }

    /// The end of a page of replicas: opaque to clients.
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

        private static let unreadable = RequestError(.inputError, "after must be the `next` of the previous page")
    }

    private func replica(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let target = try RequestTarget(request.uri.path, behind: "/v1/replicas/")
        let artifact = try services.artifact(target.url).source.name
        let explains = QueryFields(request.uri.query, ["explain"])["explain"] == "1"
        let pools = try target.pool.map { [try services.pool($0)] } ?? services.pools.all
        var found: [ReplicasCall.Item] = []
        for pool in pools {
            let id = ReplicaID(artifact: artifact, pool: pool.id)
            let replica = try await services.state.replica(id)
            var item = replica.map(ReplicasCall.Item.init)
            if explains, let explanation = try await explanation(of: id, replica, in: pool) {
                item = item ?? ReplicasCall.Item(url: artifact.description, pool: pool.id.description, state: Replica.State.absent.rawValue)
                item?.explanation = explanation
            }
            if let item { found.append(item) }
        }
        guard !found.isEmpty else { throw RequestError(.resourceNotFound, "no pool holds this artifact") }
        return JSONResponse.make(ReplicasCall.Answer(replicas: found, next: nil), for: request)
    }

    /// - Returns: `nil` if there is nothing to say.
    private func explanation(of id: ReplicaID, _ replica: Replica?, in pool: Pool) async throws -> [String]? {
        let object: StoredObject? = if case .present(let object) = replica?.status { object } else { nil }
        let sentences = try await services.explainer?.explanation(of: id, object, in: pool) ?? []
        return sentences.isEmpty ? nil : sentences
    }

    // MARK: Pools

    private func pools(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let failures = await services.health.checkPools()
        var items: [PoolsCall.Item] = []
        for pool in services.pools.all {
            let totals = try await services.state.totals(of: pool.id)
            let reason = failures[pool.id].map(HealthReason.full)
            items.append(
                PoolsCall.Item(
                    pool: pool.id.description, objects: totals.objects, bytes: totals.bytes, pending: totals.pending, errors: totals.errors,
                    maxBytes: pool.maxBytes, retention: pool.retention.summary, healthy: reason == nil, reason: reason))
        }
        return JSONResponse.make(PoolsCall.Answer(pools: items), for: request)
    }

    // MARK: Statistics

    private func stats(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let registry = services.registry
        func sum(_ name: String, by label: String) -> [String: Int64] {
            let sums = registry.values(of: name).reduce(into: [String: Double]()) { $0[$1.labels[label] ?? "", default: 0] += $1.value }
            return sums.mapValues(Self.whole)
        }
        func total(_ name: String) -> Int64 { Self.whole(registry.values(of: name).reduce(0) { $0 + $1.value }) }
        return JSONResponse.make(
            StatsCall.Answer(
                redirects: sum(EngineMetrics.Name.redirects, by: "outcome"), copies: sum(EngineMetrics.Name.copies, by: "result"),
                copiedBytes: total(EngineMetrics.Name.copyBytes), egressAvoidedBytes: total(EngineMetrics.Name.egressAvoided),
                evictions: total(EngineMetrics.Name.evictions), waiting: services.waiters.count,
                uptimeSeconds: services.started.duration(to: services.clock.instant).wholeMilliseconds / 1_000,
                origins: await origins(),
                coldClaims: StatsCall.ColdClaims(services.redirects.coldClaims.spent), savings: services.savingsSoFar()),
            for: request)
    }

    /// Pools say how large objects are, so sums of sizes may have any value.
    private static func whole(_ count: Double) -> Int64 { Int64(exactly: count.rounded()) ?? .max }

    /// How many origins are listed because of their jobs.
    private static let maxOrigins = 100

    /// Origins that are being copied from or were slow, and those with the most jobs.
    func origins() async -> [StatsCall.Origin] {
        var jobs: [String: Int] = [:]
        for pool in services.pools.all {
            // The other figures are this process's own, and are shown even if the state is unavailable.
            for lane in (try? await services.state.lanes(in: pool.id, limit: Self.maxOrigins)) ?? [] {
                jobs[lane.lane.description, default: 0] += lane.jobs
            }
        }
        let copied = services.copySlots?.origins ?? []
        let others = Set(jobs.keys).subtracting(copied.map(\.origin)).sorted { (jobs[$1] ?? 0, $0) < (jobs[$0] ?? 0, $1) }
        return copied.map { StatsCall.Origin($0, jobs: jobs[$0.origin] ?? 0) }
            + others.prefix(Self.maxOrigins).map { StatsCall.Origin($0, jobs: jobs[$0] ?? 0) }
    }
}
