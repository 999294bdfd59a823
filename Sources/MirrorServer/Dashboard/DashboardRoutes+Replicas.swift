import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorViews

/// Finding, purging and warming.
extension DashboardRoutes {
    private static let pageLength = 50
    /// Fewer than in a call of the interface: each is shown with its result.
    private static let maxWarm = 1_000
    /// Rules that are named.
    private static let maxRules = 20

    func replicas(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let session = try neededSession(of: request)
        guard let query = FormFields(request.uri.query ?? "", ["url", "pool", "state", "after", "address"]) else {
            throw RequestError(.inputError, "the query is not valid percent-encoding of UTF-8")
        }
        var view = view(session, pool: query["pool"] ?? "", state: query["state"] ?? "")
        view.address = query.trimmed("address")
        if !view.address.isEmpty { explain(&view) }
        do {
            try await find(query, &view)
        } catch let error as RequestError {
            view.problem = error.message
            return page(view, session, status: error.status, for: request)
        }
        return page(view, session, for: request)
    }

    func purge(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let (session, form) = try await sessionAndForm(of: request, ["url", "pool"])
        let (url, pool) = (form.trimmed("url"), form["pool"] ?? "")
        let artifact = try services.artifact(url).source.name
        let pools = pool.isEmpty ? services.pools.all : [try services.pool(named: pool)]
        let answer = try await AdminRoutes(services: services).purge(artifact, from: pools, context.logger)
        var view = view(session)
        view.resultsHeading = "Purged"
        let pages = (answer.pages ?? 0) > 0 ? ["the mirror's pages: \(artifact)"] : []
        let removed = answer.removed.map { "\($0.pool): \(artifact), which was \($0.state)" } + pages
        view.results = removed.isEmpty ? ["No pool had \(artifact)."] : removed
        try await find(url, in: services.pools.all, &view)
        return page(view, session, for: request)
    }

    func warm(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let (session, form) = try await sessionAndForm(of: request, ["urls", "pool"])
        let lines = form.trimmed("urls").split { $0.isNewline }.map { $0.filter { $0 != " " && $0 != "\t" } }.filter { !$0.isEmpty }
        guard !lines.isEmpty, lines.count <= Self.maxWarm else {
            throw RequestError(.inputError, "from 1 to \(Self.maxWarm) URLs at a time")
        }
        let pool = form["pool"] ?? ""
        let answer = try await AdminRoutes(services: services).warm(
            WarmCall.Request(urls: lines, pools: pool.isEmpty ? nil : [pool]))
        var view = view(session, state: "pending")
        view.resultsHeading = "Copies"
        view.results = answer.replicas.map { item in
            "\(item.url) in \(item.pool): \(item.state.rawValue)\(item.error.map { " (\($0))" } ?? "")"
        }
        try await list(in: nil, .pending, after: nil, &view)
        return page(view, session, for: request)
    }

    // MARK: What is shown

    private func view(_ session: DashboardSession, pool: String = "", state: String = "") -> ReplicasView {
        ReplicasView(
            pools: services.pools.all.map { HomeView.Choice($0.id.description, isChosen: $0.id.description == pool) },
            // Those that are listed.
            states: Replica.State.allCases.filter { $0 != .absent }.map { HomeView.Choice($0.rawValue, isChosen: $0.rawValue == state) },
            formKey: session.formKey, maxURLs: Self.maxWarm, allowed: allowed)
    }

    /// What may be copied.
    private var allowed: String {
        let rules = services.redirects.allowed.map { $0 == "any" ? "every public HTTPS address" : $0 }
        let more = rules.count > Self.maxRules ? " and \(rules.count - Self.maxRules) more" : ""
        return rules.isEmpty ? "only the buckets below origins" : rules.prefix(Self.maxRules).joined(separator: ", ") + more
    }

    private func page(
        _ view: ReplicasView, _ session: DashboardSession, status: HTTPResponse.Status = .ok, for request: Request
    ) -> Response {
        PageResponse.html(
            view, in: site.frame("cloud-mirror: replicas", .replicas, root: "../", session: session), status: status, scope: .dashboard,
            for: request)
    }

    private func find(_ query: FormFields, _ view: inout ReplicasView) async throws {
        view.url = query.trimmed("url")
        let name = query["pool"] ?? ""
        let pool = name.isEmpty ? nil : try services.pool(named: name)
        let state = try (query["state"] ?? "").isEmpty ? nil : StatusRoutes.state(named: query["state"] ?? "")
        if view.url.isEmpty {
            try await list(in: pool?.id, state, after: query["after"], &view)
        } else {
            try await find(view.url, in: pool.map { [$0] } ?? services.pools.all, &view)
        }
    }

    /// One artifact, in each pool.
    private func find(_ words: String, in pools: [Pool], _ view: inout ReplicasView) async throws {
        let artifact = try services.artifact(words).source.name
        var items: [ReplicasCall.Item] = []
        for pool in pools {
            let replica = try await services.state.replica(ReplicaID(artifact: artifact, pool: pool.id))
            items.append(
                replica.map { ReplicasCall.Item($0) }
                    ?? ReplicasCall.Item(url: artifact.description, pool: pool.id.description, state: Replica.State.absent.rawValue))
        }
        view.listHeading = "This artifact, in each pool"
        view.replicas = items.map(line)
    }

    private func list(in pool: PoolID?, _ state: Replica.State?, after: String?, _ view: inout ReplicasView) async throws {
        let page = try await StatusRoutes(services: services).page(in: pool, state, after: after, limit: Self.pageLength)
        view.listHeading = "Replicas, \(Self.pageLength) on each page"
        view.nothing = after == nil ? "There is none" : "There are no more"
        view.replicas = page.replicas.map(line)
        view.next = page.next.map { next in
            let fields = [("pool", pool?.description), ("state", state?.rawValue), ("after", next)]
            return "replicas?"
                + fields.compactMap { name, value in value.map { "\(name)=\(PercentCoding.encode($0))" } }.joined(separator: "&")
        }
    }

    private func line(_ item: ReplicasCall.Item) -> ReplicasView.Item {
        let failure = item.error.map { failure in
            "\(failure.reason)\(failure.status.map { " \($0)" } ?? ""): \(failure.message); until \(Self.time(failure.retryAt))"
        }
        return ReplicasView.Item(
            artifact: item.url, link: "replicas?url=\(PercentCoding.encode(item.url))", pool: item.pool, state: item.state,
            stateKind: ["present": "good", "error": "bad"][item.state] ?? "", detail: failure ?? (item.expiring == true ? "expiring" : nil),
            digest: item.sha256, size: item.size.map { HumanText.bytes($0) } ?? "", stored: item.stored.map(Self.time) ?? "",
            lastUsed: item.lastUsed.map(Self.time) ?? "")
    }

    /// `2026-01-31 12:00:00 UTC`
    private static func time(_ iso8601: String) -> String { "\(iso8601.prefix(19).replacing("T", with: " ")) UTC" }

    private func explain(_ view: inout ReplicasView) {
        guard let address = IPAddress(view.address)?.unmapped else {
            view.problem = "That is not an IPv4 or IPv6 address."
            return
        }
        let answer = WhichRoute(services: services).answer(for: address)
        let details = [answer.network.map { "network \($0)" }, answer.region.map { "cloud region \($0)" }].compactMap(\.self)
        view.resultsHeading = "A client at \(answer.address)"
        view.results = [
            "gets \(answer.pool ?? "no pool, and is redirected to the origin"), decided by: \(answer.reason)",
            details.isEmpty ? "is in no known network or cloud region" : details.joined(separator: ", "),
        ]
    }
}
