import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorSettings
import NamedOrigins

/// `GET`, `HEAD` and `POST /o/…`: docs/request-handling.md has every branch.
struct NamedRoutes: Sendable {
    static let prefix = "/o/"

    let services: MirrorServices
    let redirects: RedirectRoutes
    let metrics: NamedMetrics
    let relays: Relays
    let publicURL: String?
    let isTLS: Bool
    let troubles: LineBudget

    /// Whether a request's target is one for these routes.
    static func isBelow(_ target: some Sequence<UInt8>) -> Bool { target.starts(with: prefix.utf8) }

    /// What follows `/o/` in a path, or in one that means the same.
    static func rest(of path: String) -> Substring? {
        path.hasPrefix(prefix) ? path.dropFirst(prefix.count) : restOfImage(path)
    }

    func register(on router: Router<MirrorRequestContext>) {
        for path in ["/o", "/o/**"] as [RouterPath] {
            router.get(path, use: answer)
            router.head(path, use: answer)
            router.post(path, use: answer)
        }
        registerImages(on: router)
    }

    func answer(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        // Before anything that a reload changes is looked at.
        let epochs = redirects.epochs
        let call = try read(request)
        let end = deadline(of: request, call)
        metrics.count(call)
        if case .refused = call.rule.kind {
            throw RequestError(.forbidden, "the rules of \(call.origin.name) refuse this").about(call.url)
        }
        do {
            return try await answerInTime(call, request, context, epochs, until: end)
        } catch is ClientHasLeft {
            return try answerDeparted(call, request)
        }
    }

    private func answerInTime(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, _ epochs: RedirectRoutes.Epochs,
        until end: ContinuousClock.Instant
    ) async throws -> Response {
        // The answer to a client's own credentials is for that client alone: nothing of it is stored.
        if call.origin.credentials == .client, let own = request.headers[.authorization] {
            return try await ownAnswer(call, request, context, authorization: own, until: end)
        }
        switch call.rule.kind {
        case .mirrored: return try await artifact(call, request, context, epochs, until: end)
        case .rewritten(.lfs): return try await relay(call, request, context, until: end)
        case .revalidated, .rewritten: return try await page(call, request, context, until: end)
        case .passed: return try await pass(call, request, context, until: end)
        case .refused: throw RequestError(.forbidden, "the rules of \(call.origin.name) refuse this").about(call.url)
        }
    }

    /// The origin's answer for one client alone. Links in pages still lead through the mirror.
    private func ownAnswer(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, authorization: String, until end: ContinuousClock.Instant
    ) async throws -> Response {
        let isHead = request.method == .head
        switch call.rule.kind {
        case .revalidated where call.rule.commit == nil || isHead, .rewritten(.html), .rewritten(.python), .rewritten(.npm),
            .rewritten(.cargoConfig), .rewritten(.condaRepodata), .rewritten(.fields):
            guard isPaid(request, context) else { throw Self.overBudget(call) }
            return try await page(call, request, context, authorization: Secret(authorization), until: end)
        // The redirect that leads to the bytes says what they are, and only the origin can be asked for that.
        case .mirrored where isHead && call.rule.isToldByFields:
            guard isPaid(request, context) else { throw Self.overBudget(call) }
            return try await page(call, request, context, form: .fields, authorization: Secret(authorization), until: end)
        case .mirrored, .revalidated, .rewritten(.lfs), .passed, .refused:
            return try await relay(call, request, context, authorization: authorization, until: end)
        }
    }

    private func read(_ request: Request) throws -> NamedCall {
        guard let method = RuleMethod(rawValue: request.method.rawValue) else {
            throw RequestError(.methodNotAllowed, "this address supports only GET, HEAD, POST", headers: [.allow: "GET, HEAD, POST"])
        }
        guard let path = Self.rest(of: request.uri.path) else {
            throw RequestError(.resourceNotFound, "/o/ is followed by the name of an origin, or by a host")
        }
        let call: NamedCall
        do throws(NamedCallError) {
            call = try services.named.value.call(path, query: request.uri.query, method: method)
        } catch {
            throw RequestError(error)
        }
        if method == .post {
            switch call.rule.kind {
            case .passed, .refused, .rewritten(.lfs): break
            case .mirrored, .revalidated, .rewritten:
                throw RequestError(.methodNotAllowed, "this address supports only GET, HEAD", headers: [.allow: "GET, HEAD"])
            }
        }
        return call
    }

    /// The answer to a client that has most likely hung up while something was waited for on its behalf, in case it is still there.
    private func answerDeparted(_ call: NamedCall, _ request: Request) throws -> Response {
        guard request.method != .post, !call.origin.answersOnlyUs else {
            throw RequestError(.unavailable, "the client has closed its side of the connection").about(call.url)
        }
        return toOrigin(call, .left).response(to: request)
    }

    /// What is left to the origin.
    private func pass(
        _ call: NamedCall, _ request: Request, _ context: MirrorRequestContext, until end: ContinuousClock.Instant
    ) async throws -> Response {
        guard request.method == .post || call.origin.answersOnlyUs else { return toOrigin(call, .asked).response(to: request) }
        return try await relay(call, request, context, until: end)
    }

    /// By when a request has its answer, whatever hangs: as long from now as its client bears silence, or as its rule lets it wait for a copy.
    func deadline(of request: Request, _ call: NamedCall) -> ContinuousClock.Instant {
        let patience = patience(of: request)
        let wait = services.redirects.wait(asked: call.hop == 0 ? call.rule.wait : nil, hop: 0, patience: patience)
        return services.clock.instant + max(patience.hop, wait.limit)
    }

    private func patience(of request: Request) -> Patience {
        services.redirects.patience(of: request.headers[values: .userAgent].first?.utf8)
    }

    /// Redirects a client to the mirror itself once more if too little time is left for what comes next: that then has an answer's whole time.
    ///
    /// - Parameter need: What comes next needs no more time than this; `nil` if that is not known.
    /// - Returns: `nil` if half of the time is left, or what is needed; also if the client would not follow.
    func again(_ call: NamedCall, _ request: Request, until end: ContinuousClock.Instant, needing need: Duration? = nil) -> Response? {
        let patience = patience(of: request)
        let half = patience.hop / 2
        guard request.method == .get, services.clock.instant.duration(to: end) < min(need ?? half, half), call.hop <= patience.hops,
            call.hop < HopLocation.maxNumber
        else { return nil }
        let location = HopLocation.location(call.hop + 1, path: request.uri.path, query: request.uri.query, publicURL: publicURL)
        return WholeResponse.redirect(
            redirects.status, to: location, pool: nil, outcome: .hop, digest: nil, message: "there was too little time left; try again"
        ).response(to: request)
    }

    /// Takes from the budget of the client's network what a call to an origin costs.
    ///
    /// - Returns: Whether anything was left.
    func isPaid(_ request: Request, _ context: MirrorRequestContext) -> Bool {
        services.redirects.coldClaims.spend(network(request, context))
    }

    func network(_ request: Request, _ context: MirrorRequestContext) -> ClientNetwork {
        ClientNetwork(services.selector.value.client(peer: context.peer, values: request.forwarded))
    }

    /// The network whose share of what is limited a client takes; `nil` if many clients may be behind its address.
    func sharer(_ request: Request, _ context: MirrorRequestContext) -> ClientNetwork? {
        let selector = services.selector.value
        return selector.sharer(selector.client(peer: context.peer, values: request.forwarded))
    }

    /// Takes what a client is sent from the budget of its network.
    func charge(to network: ClientNetwork) -> @Sendable (Int64) -> Void {
        { [coldClaims = services.redirects.coldClaims] in coldClaims.charge($0, to: network) }
    }

    /// A redirect to the origin.
    func toOrigin(_ call: NamedCall, _ reason: Fallback) -> WholeResponse {
        .redirect(
            redirects.status, to: call.url.description, pool: nil, outcome: .fallback, digest: nil, message: reason.message)
    }
}

extension NamedOrigin {
    /// Whether its answers to a client itself would not be those that the mirror gets.
    var answersOnlyUs: Bool { exchangesTokens || credentials.areOfOperator }
}

extension RequestError {
    /// What is wrong with a path below `/o/`.
    init(_ error: NamedCallError) {
        switch error.code {
        case .invalid: self.init(.inputError, error.message)
        case .unknownOrigin: self.init(.resourceNotFound, error.message)
        case .notAllowed: self.init(.forbidden, error.message)
        }
    }
}
