import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore

/// `GET` and `HEAD /v1/redirect/…`: docs/request-handling.md has every branch.
struct RedirectRoutes: Sendable {
    static let prefix = "/v1/redirect/"

    let services: MirrorServices
    let table: FastPathTable
    let crowds: Crowds
    let publicURL: String?
    let status: HTTPResponse.Status

    func register(on router: Router<MirrorRequestContext>) {
        for path in ["/v1/redirect", "/v1/redirect/**"] as [RouterPath] {
            router.get(path, use: redirect)
            router.head(path, use: redirect)
        }
    }

    private func redirect(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        // Before anything that a reload changes is looked at.
        let epoch = table.epoch
        let target = try RequestTarget(request.uri.path, behind: Self.prefix)
        let origin = try services.origin(of: target.url)
        let client = client(request, context)
        let query = request.uri.query
        let fields = QueryFields(query, ["pool", "hop", "wait", "missing"])
        let pool: Pool?
        do {
            pool = try self.pool(for: target, fields, client)
        } catch var error as RequestError {
            // So that nobody takes it for the origin's 404.
            error.headers.append(contentsOf: Self.headers(nil, .refused))
            throw error.about(origin.source.name)
        }
        let patience = services.redirects.patience(of: request.headers[values: .userAgent].first?.utf8)
        let wait = services.redirects.wait(asked: try askedWait(fields), hop: try hop(fields), patience: patience)
        let isReportedMissing = try isReportedMissing(fields)
        let question = isReportedMissing ? nil : question(request, target, fields, patience)
        let network = ClientNetwork(client)
        let crowd = found(question, origin, pool, wait, network)
        let answer = await services.redirects.answer(
            origin, in: pool, wait: wait, isHead: request.method == .head, isReportedMissing: isReportedMissing,
            from: network, sharer: services.selector.value.sharer(client), client: context.client)
        let words = RequestWords(method: request.method, path: request.uri.path, query: query)
        let response = await response(to: answer, origin, pool, words)
        if case .replica(let redirect) = answer, redirect.outcome == .hit, redirect.object.markedAt == nil, let question {
            remember(redirect, response, question, epoch)
        }
        if let crowd { crowds.end(crowd, as: answer, with: response) }
        return response.response(to: request)
    }

    /// What those in a crowd get who have more time than its first request had.
    @Sendable func waitOn(for crowd: Crowd, until deadline: ContinuousClock.Instant) async -> (RedirectAnswer, WholeResponse) {
        let answer = await services.redirects.waitOn(
            for: crowd.origin, in: crowd.pool, until: deadline, wait: crowd.wait, isHead: crowd.question.isHead)
        let parts = crowd.question.target.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let words = RequestWords(
            method: crowd.question.isHead ? .head : .get, path: parts.first ?? "", query: parts.count == 2 ? parts[1] : nil)
        return (answer, await response(to: answer, crowd.origin, crowd.pool, words))
    }

    /// How a request was written, as far as answers repeat it.
    private struct RequestWords {
        let method: HTTPRequest.Method
        let path: String
        let query: String?
    }

    private func response(
        to answer: RedirectAnswer, _ origin: any Origin, _ pool: Pool?, _ request: RequestWords
    ) async -> WholeResponse {
        let error: RequestError
        switch answer {
        case .replica(let redirect):
            return .redirect(
                status, to: location(redirect.location.url), pool: redirect.id.pool, outcome: redirect.outcome,
                digest: redirect.object.sha256)
        case .description(let description):
            return .description(description, pool: pool?.id)
        case .hop(let number):
            let location = HopLocation.location(number, path: request.path, query: request.query, publicURL: publicURL)
            return .redirect(
                status, to: location, pool: pool?.id, outcome: .hop, digest: nil, message: "the copy is still under way; ask again")
        case .origin(let reason):
            let location = await services.redirects.location(of: origin)
            return .redirect(status, to: location, pool: pool?.id, outcome: .fallback, digest: nil, message: reason.message)
        case .refused(let message):
            error = RequestError(.forbidden, message, headers: Self.headers(pool?.id, .refused)).about(origin.source.name, as: "InvalidUrl")
        case .originStatus(let code, let message):
            error = .origin(status: code, message: message, headers: Self.headers(pool?.id, .error))
                .about(origin.source.name, as: "BadHTTPStatus")
        }
        return error.response(to: request.method, request.path, at: services.clock.now)
    }

    private func client(_ request: Request, _ context: MirrorRequestContext) -> IPAddress? {
        services.selector.value.client(peer: context.peer, forwardedFor: request.forwardedFor)
    }

    private func pool(for target: RequestTarget, _ fields: QueryFields, _ client: IPAddress?) throws -> Pool? {
        if let words = target.pool { return try services.pool(words) }
        if let name = fields["pool"] { return try services.pool(named: name) }
        return services.selector.value.pool(for: client).flatMap { services.pools[$0] }
    }

    /// How often the client was redirected to ourselves before.
    private func hop(_ fields: QueryFields) throws -> Int {
        guard let text = fields["hop"] else { return 0 }
        guard let number = HopLocation.number(text) else {
            throw RequestError(.inputError, "hop must be a number from 0 to \(HopLocation.maxNumber)")
        }
        return number
    }

    private func askedWait(_ fields: QueryFields) throws -> Duration? {
        guard let text = fields["wait"] else { return nil }
        guard let seconds = Double(text), seconds >= 0, seconds <= 86_400 else {
            throw RequestError(.inputError, "wait must be a number of seconds from 0 to 86400")
        }
        return .milliseconds(Int64(seconds * 1_000))
    }

    /// Whether the client says that it did not find the copy that it was redirected to.
    private func isReportedMissing(_ fields: QueryFields) throws -> Bool {
        switch fields["missing"] {
        case nil, "0": false
        case "1": true
        default: throw RequestError(.inputError, "missing must be 1 or 0")
        }
    }

    private func location(_ url: String) -> String {
        url.hasPrefix("/") ? (publicURL ?? "") + url : url
    }

    private static func headers(_ pool: PoolID?, _ outcome: Outcome) -> HTTPFields {
        var fields: HTTPFields = [.cloudMirrorOutcome: outcome.rawValue]
        if let pool { fields[.cloudMirrorPool] = pool.description }
        return fields
    }

    /// What is asked, where that alone decides the answer, and where it is short enough for the fast path.
    private func question(
        _ request: Request, _ target: RequestTarget, _ fields: QueryFields, _ patience: Patience
    ) -> Crowd.Question? {
        guard let text = request.head.path, text.hasPrefix(Self.prefix), text.utf8.count < RequestScanner.maxLength,
            target.pool != nil || services.selector.value.networks.isEmpty || fields["pool"] != nil
        else { return nil }
        return Crowd.Question(target: Array(text.utf8), isHead: request.method == .head, patience: patience)
    }

    /// Lets others join who ask the same meanwhile, unless this one may be refused for what they are not.
    private func found(
        _ question: Crowd.Question?, _ origin: any Origin, _ pool: Pool?, _ wait: Wait, _ network: ClientNetwork
    ) -> Crowd? {
        guard let question, let pool, !services.redirects.coldClaims.isSpent(network) else { return nil }
        return crowds.found(question, origin, in: pool, wait: wait)
    }

    /// Lets the fast path answer the same from now on, where there is only one way to ask for it.
    private func remember(_ redirect: ReplicaRedirect, _ response: WholeResponse, _ question: Crowd.Question, _ epoch: Int) {
        guard !question.target.contains(UInt8(ascii: "?")) else { return }
        let metrics = services.metrics[pool: redirect.id.pool]
        table.insert(
            FastPathTable.Entry(
                target: question.target, head: response.headBytes, body: response.body, id: redirect.id, size: redirect.object.size,
                answersHead: redirect.location.expires == nil, hits: metrics.hits, egressAvoided: metrics.egressAvoided,
                notAfter: redirect.notAfter, at: (services.clock.now, .now()), lastUsed: redirect.object.lastUsed),
            token: redirect.token, hotIndex: services.state, epoch: epoch)
    }
}
