import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore
import NamedOrigins

/// `GET` and `HEAD /v1/redirect/…`: docs/request-handling.md has every branch.
final class RedirectRoutes: Sendable {
    static let prefix = "/v1/redirect/"

    let services: MirrorServices
    /// `nil` if nothing is answered from memory.
    let table: FastPathTable?
    let coalescing: CoalescingTable
    let publicURL: String?
    let status: HTTPResponse.Status

    init(services: MirrorServices, table: FastPathTable?, coalescing: CoalescingTable, publicURL: String?, status: HTTPResponse.Status) {
        self.services = services
        self.table = table
        self.coalescing = coalescing
        self.publicURL = publicURL
        self.status = status
    }

    func register(on router: Router<MirrorRequestContext>) {
        for path in ["/v1/redirect", "/v1/redirect/**"] as [RouterPath] {
            router.get(path, use: redirect)
            router.head(path, use: redirect)
        }
    }

    private func redirect(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let call = try read(request, context)
        let answer = await answer(call, context)
        return await finish(call, with: answer).response(to: request)
    }

    func answer(_ call: Call, _ context: MirrorRequestContext) async -> RedirectAnswer {
        await services.redirects.answer(
            call.origin, in: call.pool, wait: call.wait, isHead: call.words.method == .head, describes: call.describes,
            isReportedMissing: call.isReportedMissing, from: call.network, sharer: call.sharer, client: context.client)
    }

    // Not inlined, so that nothing of this is kept while a request waits for a copy.
    @inline(never)
    private func read(_ request: Request, _ context: MirrorRequestContext) throws -> Call {
        let epochs = epochs
        let target = try RequestTarget(request.uri.path, behind: Self.prefix)
        var wish = Wish(origin: try services.origin(of: target.url), pool: target.pool)
        let fields = QueryFields(request.uri.query, ["pool", "hop", "wait", "missing"])
        wish.poolName = fields["pool"]
        return try call(for: wish, request, context, epochs) { wish in
            wish.wait = try askedWait(fields)
            wish.hop = try hop(fields)
            wish.isReportedMissing = try isReportedMissing(fields)
        }
    }

    /// Must be read before anything that a reload changes.
    var epochs: Epochs { Epochs(table: table?.epoch ?? 0, coalescing: coalescing.epoch) }

    /// - Parameter complete: Reads the fields that come after the pool.
    @inline(never)
    func call(
        for wish: Wish, _ request: Request, _ context: MirrorRequestContext, _ epochs: Epochs,
        complete: (inout Wish) throws -> Void = { _ in }
    ) throws -> Call {
        var wish = wish
        let origin = wish.origin
        let selector = services.selector.value
        let client = selector.client(peer: context.peer, values: request.forwarded)
        let query = request.uri.query
        let pool: Pool?
        let choice: PoolChoice
        do {
            (pool, choice) = try self.pool(for: wish, request, selector, client)
        } catch var error as RequestError {
            // So that it is not taken for a 404 of the origin.
            error.headers.append(contentsOf: Self.headers(nil, .named, .refused))
            throw error.about(origin.source.name)
        }
        try complete(&wish)
        let patience = services.redirects.patience(of: request.headers[values: .userAgent].first?.utf8)
        let whole = services.redirects.wait(asked: wish.wait, hop: wish.hop, patience: patience, isRelayed: wish.isRelayed)
        let wait = wish.end.map { whole.within(services.clock.instant.duration(to: $0)) } ?? whole
        let key = wish.isReportedMissing || !wish.isShared ? nil : key(request, choice)
        let network = ClientNetwork(client)
        let coalesced = open(wish.isCoalesced ? key : nil, patience, origin, pool, wait, network, epochs)
        services.metrics.countChoices(choice.reason)
        return Call(
            origin, in: pool, for: choice.reason, wait: wait, isReportedMissing: wish.isReportedMissing, digest: wish.digest,
            describes: wish.describes, network: network,
            sharer: selector.sharer(client), words: RequestWords(method: request.method, path: request.uri.path, query: query),
            epochs: epochs, key: key, coalesced: coalesced)
    }

    /// - Parameter isRemembered: Whether memory may give the same answer to later requests.
    @inline(never)
    func finish(_ call: Call, with answer: RedirectAnswer, isRemembered: Bool = true) async -> WholeResponse {
        let answer = answer.checked(against: call.digest)
        let response = await response(to: answer, call.origin, call.pool, call.reason, call.words)
        if isRemembered, case .replica(let redirect) = answer, redirect.outcome == .hit, redirect.object.markedAt == nil,
            call.wait.before == .zero,
            let key = call.key
        {
            remember(redirect, key, call.epochs)
        }
        if let coalesced = call.coalesced { coalescing.end(coalesced, from: call.network, as: answer, with: response) }
        return response
    }

    /// The answer for coalesced requests that may wait longer than the first one, or have budget left.
    ///
    /// - Parameter last: The previous answer.
    @Sendable func wait(
        for requests: CoalescedRequests, _ successor: CoalescedRequests.Successor, after last: RedirectAnswer
    ) async -> (RedirectAnswer, WholeResponse) {
        let isClaimed = if case .origin(.budget) = last { false } else { true }
        let answer = await services.redirects.wait(
            for: requests.origin, in: requests.pool, until: successor.deadline, wait: requests.wait, isHead: requests.key.isHead,
            isClaimed: isClaimed, from: successor.network)
        let parts = requests.key.target.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        let words = RequestWords(
            method: requests.key.isHead ? .head : .get, path: parts.first ?? "", query: parts.count == 2 ? parts[1] : nil)
        let checked = answer.checked(against: digest(in: words))
        return (answer, await response(to: checked, requests.origin, requests.pool, requests.key.choice.reason, words))
    }

    func response(
        to answer: RedirectAnswer, _ origin: any Origin, _ pool: Pool?, _ reason: PoolReason, _ request: RequestWords
    ) async -> WholeResponse {
        let error: RequestError
        switch answer {
        case .replica(let redirect):
            return .redirect(
                status, to: redirect.location.url(behind: publicURL), pool: redirect.id.pool, reason: reason, outcome: redirect.outcome,
                digest: redirect.object.sha256)
        case .description(let description):
            return .description(description, pool: pool?.id, reason: reason)
        case .hop(let number):
            let location = HopLocation.location(number, path: request.path, query: request.query, publicURL: publicURL)
            return .redirect(
                status, to: location, pool: pool?.id, reason: reason, outcome: .hop, digest: nil,
                message: "the copy is still in progress; try again")
        case .origin(let fallback):
            let location = await services.redirects.location(of: origin)
            return .redirect(
                status, to: location, pool: pool?.id, reason: reason, outcome: .fallback, digest: nil, message: fallback.message)
        case .refused(let message):
            error = RequestError(.forbidden, message, headers: Self.headers(pool?.id, reason, .refused))
                .about(origin.source.name, as: "InvalidUrl")
        case .originStatus(let code, let message):
            error = .origin(status: code, message: message, headers: Self.headers(pool?.id, reason, .error))
                .about(origin.source.name, as: "BadHTTPStatus")
        }
        return error.response(to: request.method, request.path, at: services.clock.now)
    }

    /// The pool that a request names, or the one chosen for its client.
    private func pool(
        for wish: Wish, _ request: Request, _ selector: PoolSelector, _ client: IPAddress?
    ) throws -> (Pool?, PoolChoice) {
        if let words = wish.pool { return (try services.pool(words), .named) }
        if let name = wish.poolName { return (try services.pool(named: name), .named) }
        if selector.selection.poolHeader, let name = request.headers[.cloudMirrorPool] {
            let pool = try services.pool(named: name)
            return (pool, PoolChoice(naming: name, of: services.pools) ?? .named)
        }
        let choice = PoolChoice(selector, for: client, of: services.pools)
        guard case .chosen(let index, _) = choice else { return (nil, choice) }
        return (services.pools.all[index], choice)
    }

    /// How many hops came before.
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

    /// Whether the client reports that it did not find the copy that it was redirected to.
    private func isReportedMissing(_ fields: QueryFields) throws -> Bool {
        switch fields["missing"] {
        case nil, "0": false
        case "1": true
        default: throw RequestError(.inputError, "missing must be 1 or 0")
        }
    }

    /// The digest that the artifact of a request below `/o/` must have.
    private func digest(in words: RequestWords) -> Digest? {
        guard let rest = NamedRoutes.rest(of: words.path) else { return nil }
        return try? services.named.value.call(rest, query: words.query).digest
    }

    private static func headers(_ pool: PoolID?, _ reason: PoolReason, _ outcome: Outcome) -> HTTPFields {
        var fields: HTTPFields = [.cloudMirrorOutcome: outcome.rawValue]
        if reason != .named { fields[.cloudMirrorPoolReason] = reason.rawValue }
        if let pool { fields[.cloudMirrorPool] = pool.description }
        return fields
    }

    /// The key of identical requests, if the target is short enough for the fast path.
    private func key(_ request: Request, _ choice: PoolChoice) -> CoalescedRequests.Key? {
        guard let text = request.head.path, text.hasPrefix(Self.prefix) || text.hasPrefix(NamedRoutes.prefix),
            text.utf8.count < RequestScanner.maxLength
        else { return nil }
        // Fields other than the target may change the answer; they are read where a pool is chosen.
        if choice == .named, text.hasPrefix(NamedRoutes.prefix) { return nil }
        return CoalescedRequests.Key(target: Array(text.utf8), choice: choice, isHead: request.method == .head)
    }

    /// Lets identical requests join, unless this one may be refused for a reason that does not apply to them.
    private func open(
        _ key: CoalescedRequests.Key?, _ patience: Patience, _ origin: any Origin, _ pool: Pool?, _ wait: Wait,
        _ network: ClientNetwork, _ epochs: Epochs
    ) -> CoalescedRequests? {
        guard let key, let pool, !services.redirects.coldClaims.isSpent(network) else { return nil }
        return coalescing.open(key, patience, origin, in: pool, wait: wait, epoch: epochs.coalescing)
    }

    /// Lets the fast path answer identical requests from now on, unless the target has a query.
    private func remember(_ redirect: ReplicaRedirect, _ key: CoalescedRequests.Key, _ epochs: Epochs) {
        guard !key.target.contains(UInt8(ascii: "?")) else { return }
        table?.remember(
            redirect, location: redirect.location.url(behind: publicURL), to: key.target, key.choice, epoch: epochs.table,
            at: services.clock.now)
    }
}
