package import MirrorCore
package import MirrorEngine
package import MirrorState
import MirrorStorage
package import MirrorTracing
package import NamedOrigins

/// What the routes work with.
package final class MirrorServices: Sendable {
    package let pools: PoolTable
    package let selector: Reloadable<PoolSelector>
    package let state: HotIndex
    /// Whether other processes use the same state store.
    package let isStateShared: Bool
    package let redirects: RedirectService
    package let health: PoolHealth
    package let remover: ReplicaRemover
    package let waiters: ReplicaWaiters
    package let uses: UseRecorder
    package let metrics: EngineMetrics
    package let registry: MetricsRegistry
    package let process: ProcessMetrics
    package let fastAnswers: FastAnswers
    /// The copies of this process; `nil` if it makes none.
    package let copySlots: CopySlots?
    /// `nil` if nothing is traced.
    package let tracer: MirrorTracer?
    package let clock: any MirrorClock
    /// What clients can request below `/o/`.
    package let named: Reloadable<NamedOriginTable>
    /// Sends requests to origins on behalf of single clients.
    package let upstream: UpstreamClient
    /// `nil` if there is no named origin.
    package let pages: Reloadable<PageService?>
    package let started: ContinuousClock.Instant
    /// `nil` if nothing is known about prices.
    package let savings: SavingsMeter?
    /// `nil` if nothing is learned.
    package let explainer: RetentionExplainer?

    package init(
        pools: PoolTable, selector: Reloadable<PoolSelector>, state: HotIndex, isStateShared: Bool = false, redirects: RedirectService,
        health: PoolHealth,
        remover: ReplicaRemover,
        waiters: ReplicaWaiters, uses: UseRecorder, metrics: EngineMetrics, registry: MetricsRegistry, copySlots: CopySlots? = nil,
        named: Reloadable<NamedOriginTable>, upstream: UpstreamClient, pages: Reloadable<PageService?>, tracer: MirrorTracer? = nil,
        savings: SavingsMeter? = nil, explainer: RetentionExplainer? = nil,
        clock: any MirrorClock
    ) {
        self.pools = pools
        self.selector = selector
        self.state = state
        self.isStateShared = isStateShared
        self.redirects = redirects
        self.health = health
        self.remover = remover
        self.waiters = waiters
        self.uses = uses
        self.metrics = metrics
        self.registry = registry
        process = ProcessMetrics(factory: registry)
        fastAnswers = FastAnswers(pools: pools.ids, registry: registry)
        self.copySlots = copySlots
        self.named = named
        self.upstream = upstream
        self.pages = pages
        self.tracer = tracer
        self.clock = clock
        self.savings = savings
        self.explainer = explainer
        started = clock.instant
    }

    /// Waits for a pool or the state no longer than clients would. The call itself continues, so that a silent pool is noticed.
    ///
    /// - Parameter end: By when the request has its answer; `nil` if nothing came before.
    /// - Returns: `nil` if there is no answer in time.
    func inTime<Value: Sendable>(
        until end: ContinuousClock.Instant? = nil, _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await leaving(after: patience(until: end), by: clock) { try await Task(operation: call).value }
    }

    /// How long a request waits for a pool or the state.
    func patience(until end: ContinuousClock.Instant?) -> Duration {
        end.map { min(PoolHealth.patience, clock.instant.duration(to: $0)) } ?? PoolHealth.patience
    }

    /// The origin of the artifact that a client names.
    ///
    /// - Throws: ``RequestError`` `InputError`.
    func origin(of url: String) throws(RequestError) -> any Origin {
        do {
            return try redirects.resolve(url)
        } catch {
            throw RequestError(.inputError, error.description)
        }
    }

    /// The artifact that an admin call names: by its URL, or by its path below `/o/`.
    ///
    /// - Throws: ``RequestError``.
    func artifact(_ words: String) throws(RequestError) -> any Origin {
        guard words.utf8.starts(with: NamedRoutes.prefix.utf8) else { return try origin(of: words) }
        let behind = words.utf8.dropFirst(NamedRoutes.prefix.utf8.count)
        let path = behind.prefix { $0 != UInt8(ascii: "?") }
        let query = path.endIndex == behind.endIndex ? nil : String(Substring(behind[path.endIndex...].dropFirst()))
        let call: NamedCall
        do throws(NamedCallError) { call = try named.value.call(Substring(path), query: query) } catch { throw RequestError(error) }
        return try origin(of: call.url.description)
    }

    /// The pool that a route names.
    ///
    /// - Throws: ``RequestError`` `ResourceNotFound`, which lists the pools.
    func pool(_ words: RequestTarget.PoolWords) throws(RequestError) -> Pool { try pool(words.id) }

    /// The pool that a parameter names.
    func pool(named name: String) throws(RequestError) -> Pool { try pool(PoolID(name)) }

    private func pool(_ id: PoolID?) throws(RequestError) -> Pool {
        guard let pool = id.flatMap({ pools[$0] }) else {
            throw RequestError(
                .resourceNotFound, "no such pool; the pools are \(pools.all.map(\.id.description).joined(separator: ", "))")
        }
        return pool
    }
}

extension StorageError {
    /// What stands for an answer that ``MirrorServices/inTime(until:_:)`` has not got.
    static func noAnswerInTime(_ operation: String) -> StorageError {
        StorageError(.timedOut, "no answer within \(PoolHealth.patience)", operation: operation)
    }
}
