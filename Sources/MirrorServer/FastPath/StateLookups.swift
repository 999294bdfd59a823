import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore
import ServiceLifecycle
import Synchronization

/// Looks into the state for replicas that plain requests name and that are not in memory: many at a time, and without a parser, a task or a response
/// for each.
///
/// What it finds is remembered, and then the fast path answers. Everything but the plainest hits is left to the slow path, which is told of the look
/// in two cases: if there was nothing, as for artifacts that nobody has copied, it need not look again; if the state counts as silent, the request has
/// waited once, and hardly waits again.
final class StateLookups: Sendable {
    /// A waiting request, and where its connection is.
    final class Request: Sendable {
        /// The whole request.
        let bytes: ByteBuffer
        let eventLoop: any EventLoop
        fileprivate let target: [UInt8]
        fileprivate let choice: PoolChoice
        fileprivate let epoch: Int
        fileprivate let began: ContinuousClock.Instant
        private let handler: NIOLoopBound<ConnectionHandler>
        private let found = Mutex<StateLook?>(nil)

        fileprivate init(
            _ bytes: ByteBuffer, _ target: [UInt8], _ choice: PoolChoice, epoch: Int, at began: ContinuousClock.Instant,
            _ handler: ConnectionHandler, on eventLoop: any EventLoop
        ) {
            self.bytes = bytes
            self.eventLoop = eventLoop
            self.target = target
            self.choice = choice
            self.epoch = epoch
            self.began = began
            self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
        }

        fileprivate func note(_ look: StateLook) {
            found.withLock { $0 = look }
        }

        /// Called on the event loop.
        fileprivate func end() { handler.value.proceed(after: self, found.withLock { $0 }) }
    }

    /// A request whose target has been parsed.
    private struct Look {
        let request: Request
        let origin: any Origin
        let pool: Pool
        let choice: PoolChoice
        let id: ReplicaID
        /// From before the state is read.
        let landed: Int

        init(_ request: Request, _ origin: any Origin, _ pool: Pool, _ choice: PoolChoice, _ redirects: RedirectService) {
            self.request = request
            self.origin = origin
            self.pool = pool
            self.choice = choice
            id = ReplicaID(artifact: origin.source.name, pool: pool.id)
            landed = redirects.landed(id)
        }
    }

    /// The state has left a look unanswered for as long as it lets its callers wait.
    private struct Silence {
        /// A request that has waited that long may still wait for this fraction of the limit. If the state is several servers of which one is silent,
        /// the others answer in that time.
        private static let fraction = 8

        private let limit: Duration
        private let since: ContinuousClock.Instant
        private let now: ContinuousClock.Instant

        /// - Parameter limit: ``HotIndex/answerLimit``.
        /// - Parameter since: When the look began.
        /// - Returns: `nil` if the limit has not passed, or there is none.
        init?(_ limit: Duration?, since: ContinuousClock.Instant, now: ContinuousClock.Instant) {
            guard let limit, since.duration(to: now) >= limit else { return nil }
            self.limit = limit
            self.since = since
            self.now = now
        }

        /// How long a request may still wait for the state. What it waited before this look does not count: the state had answered then.
        func rest(of request: Request) -> Duration {
            max(limit - max(since, request.began).duration(to: now), limit / Self.fraction)
        }
    }

    private struct State {
        var waiting: [Request] = []
        /// Whether the state has not answered in time, or is no longer asked: no request waits here then.
        var isSilent = false
        /// Whether the state has answered the current look.
        var hasAnswered = false
        /// Counts the looks.
        var number = 0
    }

    /// Requests per call.
    private static let batch = 256
    /// How many requests may wait; further ones go to the slow path, which has its own limits.
    private static let maxWaiting = 10_000

    private let services: MirrorServices
    private let table: FastPathTable
    private let publicURL: String?
    private let patience: Duration
    private let state = Mutex(State())
    private let (calls, call) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameter patience: How long a look may take. On the slow path the request's own deadline applies.
    init(services: MirrorServices, table: FastPathTable, publicURL: String?, patience: Duration) {
        self.services = services
        self.table = table
        self.publicURL = publicURL
        self.patience = patience
    }

    /// Lets a request wait for a look, after which its handler is told to proceed. Called on the event loop of the handler.
    ///
    /// - Returns: `nil` for a request that the slow path has to answer.
    func begin(
        _ target: UnsafeRawBufferPointer, _ choice: PoolChoice, _ bytes: ByteBuffer, _ handler: ConnectionHandler,
        on eventLoop: any EventLoop
    ) -> Request? {
        guard target.starts(with: "\(HotTarget.route)".utf8), !target.contains(UInt8(ascii: "?")) else { return nil }
        let request = Request(
            bytes, Array(target), choice, epoch: table.epoch, at: services.clock.instant, handler, on: eventLoop)
        let isWaiting = state.withLock { state in
            guard !state.isSilent, state.waiting.count < Self.maxWaiting else { return false }
            state.waiting.append(request)
            return true
        }
        guard isWaiting else { return nil }
        call.yield()
        return request
    }

    /// How many requests wait for their look to begin.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Looks until graceful shutdown; no connections are left by then.
    func run() async {
        await cancelWhenGracefulShutdown {
            for await _ in self.calls {
                while !Task.isCancelled {
                    let requests = self.take()
                    if requests.isEmpty { break }
                    await self.look(for: requests)
                }
            }
        }
        end(close() ?? [])
    }

    /// From now on no request can wait.
    ///
    /// - Parameter number: The look that this is for, which may have ended by now; `nil` closes for good.
    /// - Returns: The waiting requests; `nil` if the look has ended.
    private func close(_ number: Int? = nil) -> [Request]? {
        state.withLock { state in
            guard number == nil || number == state.number else { return nil }
            state.isSilent = true
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func take() -> [Request] {
        state.withLock { state in
            let taken = Array(state.waiting.prefix(Self.batch))
            state.waiting.removeFirst(taken.count)
            return taken
        }
    }

    private func look(for requests: [Request]) async {
        let (number, began) = (state.withLock { $0.number }, services.clock.instant)
        let alarm = services.clock.timer(after: patience) { self.giveUp(requests, number, since: began) }
        // Requests that name no artifact or no pool are for the slow path.
        let looks = requests.compactMap(read)
        let ids = looks.map(\.id)
        var isUnanswered = false
        if !ids.isEmpty {
            do {
                let found = try await leaving(by: services.clock) { [index = services.state] in try await index.look(ids) }
                state.withLock { $0.hasAnswered = true }
                for (look, found) in zip(looks, found ?? []) { await remember(look, found.replica, found.token) }
            } catch {
                // If the error persists, the slow path meets and reports it.
                isUnanswered = (error as? StateError)?.code == .unavailable
            }
        }
        alarm.cancel()
        let silence = isUnanswered ? self.silence(since: began) : nil
        let others = state.withLock { state -> [Request] in
            state.number += 1
            state.isSilent = false
            state.hasAnswered = false
            // A look of their own would make them wait once more.
            guard silence != nil else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        end(requests + others, after: silence)
    }

    /// The state takes too long: waiting requests go to the slow path.
    ///
    /// - Parameter number: The look, which may have ended by now.
    /// - Parameter began: When it began.
    private func giveUp(_ requests: [Request], _ number: Int, since began: ContinuousClock.Instant) {
        let hasAnswered = state.withLock { $0.hasAnswered }
        if let others = close(number) { end(requests + others, after: hasAnswered ? nil : silence(since: began)) }
    }

    private func silence(since began: ContinuousClock.Instant) -> Silence? {
        Silence(services.state.answerLimit, since: began, now: services.clock.instant)
    }

    private func read(_ request: Request) -> Look? {
        let path = String(decoding: request.target, as: UTF8.self)
        guard let target = try? RequestTarget(path, behind: "\(HotTarget.route)"), let origin = try? services.origin(of: target.url)
        else {
            return nil
        }
        let look: Look
        if let words = target.pool {
            guard let pool = try? services.pool(words) else { return nil }
            look = Look(request, origin, pool, .named, services.redirects)
        } else {
            guard case .chosen(let index, _) = request.choice else { return nil }
            look = Look(request, origin, services.pools.all[index], request.choice, services.redirects)
        }
        // A location that takes time to sign is left to the slow path.
        return look.pool.store.capabilities.features.contains(.presignedLocations) ? nil : look
    }

    private func remember(_ look: Look, _ replica: Replica?, _ token: HotIndex.Token) async {
        guard let replica else { return look.request.note(.absent(look.id, landed: look.landed)) }
        guard let redirect = await services.redirects.plainHit(replica, look.origin, in: look.pool, token: token) else { return }
        table.remember(
            redirect, location: redirect.location.url(behind: publicURL), to: look.request.target, look.choice, epoch: look.request.epoch,
            at: services.clock.now)
    }

    /// Calls each event loop once. A request that has ended before ignores it.
    ///
    /// - Parameter silence: `nil` if the state has answered, or could not be asked.
    private func end(_ requests: [Request], after silence: Silence? = nil) {
        if let silence { for request in requests { request.note(.silent(rest: silence.rest(of: request))) } }
        for (_, requests) in Dictionary(grouping: requests, by: { ObjectIdentifier($0.eventLoop) }) {
            requests.first?.eventLoop.execute { for request in requests { request.end() } }
        }
    }
}
