import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore
import ServiceLifecycle
import Synchronization

/// Looks into the state for replicas that plain requests ask for and that are not in memory: many at a time, and without a parser, a task or a response
/// for each.
///
/// What it finds it remembers, and then the fast path answers; everything that is not the plainest of hits is left to the slow path, which knows nothing
/// of it.
final class StateLookups: Sendable {
    /// A request that waits, and where its connection is.
    final class Request: Sendable {
        /// All of it.
        let bytes: ByteBuffer
        let eventLoop: any EventLoop
        fileprivate let target: [UInt8]
        fileprivate let choice: PoolChoice
        fileprivate let epoch: Int
        private let handler: NIOLoopBound<ConnectionHandler>

        fileprivate init(
            _ bytes: ByteBuffer, _ target: [UInt8], _ choice: PoolChoice, epoch: Int, _ handler: ConnectionHandler,
            on eventLoop: any EventLoop
        ) {
            self.bytes = bytes
            self.eventLoop = eventLoop
            self.target = target
            self.choice = choice
            self.epoch = epoch
            self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
        }

        /// Called on the event loop.
        fileprivate func end() { handler.value.proceed(after: self) }
    }

    /// A request whose words were read.
    private struct Look {
        let request: Request
        let origin: any Origin
        let pool: Pool
        let choice: PoolChoice
        var id: ReplicaID { ReplicaID(artifact: origin.source.name, pool: pool.id) }
    }

    private struct State {
        var waiting: [Request] = []
        /// The state has not answered in time, or is not asked any more: nobody waits for it here.
        var isSilent = false
        /// Counts looks.
        var number = 0
    }

    /// Requests that are looked for in one call.
    private static let batch = 256
    /// Requests that wait; more are for the slow path, which has limits of its own.
    private static let maxWaiting = 10_000
    /// How long a look may take. The slow path looks for as long as requests may take for that.
    private static let patience = TimeAmount.milliseconds(200)

    private let services: MirrorServices
    private let table: FastPathTable
    private let publicURL: String?
    private let state = Mutex(State())
    private let (calls, call) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(services: MirrorServices, table: FastPathTable, publicURL: String?) {
        self.services = services
        self.table = table
        self.publicURL = publicURL
    }

    /// Lets a request wait for a look, after which its handler is told to proceed. Called on the event loop of the handler.
    ///
    /// - Returns: `nil` for what is the slow path's from the start.
    func begin(
        _ target: UnsafeRawBufferPointer, _ choice: PoolChoice, _ bytes: ByteBuffer, _ handler: ConnectionHandler,
        on eventLoop: any EventLoop
    ) -> Request? {
        guard target.starts(with: "\(HotTarget.route)".utf8), !target.contains(UInt8(ascii: "?")) else { return nil }
        let request = Request(bytes, Array(target), choice, epoch: table.epoch, handler, on: eventLoop)
        let isWaiting = state.withLock { state in
            guard !state.isSilent, state.waiting.count < Self.maxWaiting else { return false }
            state.waiting.append(request)
            return true
        }
        guard isWaiting else { return nil }
        call.yield()
        return request
    }

    /// Looks, until graceful shutdown: then no connections are left.
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

    /// Lets nobody wait any more.
    ///
    /// - Parameter number: Of the look that this is for, which may be over by now; `nil` for good.
    /// - Returns: Who waits.
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
        let number = state.withLock { $0.number }
        let alarm = requests.first?.eventLoop.scheduleTask(in: Self.patience) { self.giveUp(requests, number) }
        // Those that name no artifact or no pool are the slow path's.
        let looks = requests.compactMap(read)
        let ids = looks.map(\.id)
        if !ids.isEmpty {
            do {
                let found = try await leaving(by: services.clock) { [index = services.state] in try await index.look(ids) }
                for (look, found) in zip(looks, found ?? []) { await remember(look, found.replica, found.token) }
            } catch {
                // Whatever it is, the slow path finds it, too, and says so.
            }
        }
        alarm?.cancel()
        state.withLock { state in
            state.number += 1
            state.isSilent = false
        }
        end(requests)
    }

    /// The state takes too long: whoever waits for it goes the slow way.
    ///
    /// - Parameter number: Of the look, which may be over by now.
    private func giveUp(_ requests: [Request], _ number: Int) {
        if let others = close(number) { end(requests + others) }
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
            look = Look(request: request, origin: origin, pool: pool, choice: .named)
        } else {
            guard case .chosen(let index, _) = request.choice else { return nil }
            look = Look(request: request, origin: origin, pool: services.pools.all[index], choice: request.choice)
        }
        // What may take longer to sign is not signed here.
        return look.pool.store.capabilities.features.contains(.presignedLocations) ? nil : look
    }

    private func remember(_ look: Look, _ replica: Replica?, _ token: HotIndex.Token) async {
        guard let redirect = await services.redirects.plainHit(replica, look.origin, in: look.pool, token: token) else { return }
        table.remember(
            redirect, location: redirect.location.url(behind: publicURL), to: look.request.target, look.choice, epoch: look.request.epoch,
            at: services.clock.now)
    }

    /// Tells each event loop once. Who has been told before does not mind.
    private func end(_ requests: [Request]) {
        for (_, requests) in Dictionary(grouping: requests, by: { ObjectIdentifier($0.eventLoop) }) {
            requests.first?.eventLoop.execute { for request in requests { request.end() } }
        }
    }
}
