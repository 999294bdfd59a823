import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore
import NamedOrigins

/// `GET /metrics`: Prometheus text.
struct MetricsRoute: Sendable {
    /// Requests within this time get the figures of the first one.
    static let figuresLife = Duration.seconds(2)

    let services: MirrorServices
    /// Figures that take a call to the state, a file system or the operating system; cached, because anyone may request this page.
    let figures: SharedLooks<String, Void>
    /// One page is written at a time, for all requests that arrive meanwhile.
    private let pages = SingleFlight<String, ByteBuffer>()

    func register(on router: Router<MirrorRequestContext>) {
        router.get("/metrics") { _, _ in
            let page = try await pages.run("page", write)
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: page))
        }
    }

    @Sendable private func write() async -> ByteBuffer {
        await refresh()
        return ByteBuffer(string: services.registry.prometheusText())
    }

    /// Brings the metrics that are not counted as things happen up to date, as far as that is possible in time.
    func refresh() async {
        services.fastAnswers.record()
        services.metrics.recordWaiting(services.waiters.count)
        async let capacity: Void? = figures.answer("capacity") { await recordCapacity() }
        async let process: Void? = figures.answer("process") { recordProcess() }
        if await figures.answer("state", recordState) == nil { services.metrics.recordState(isAvailable: false) }
        _ = await (capacity, process)
        services.recordSavings()
    }

    /// Looks at each open descriptor, and at each network that has a budget.
    private func recordProcess() {
        services.pages.value?.recordUsage()
        services.process.record()
        services.metrics.recordSpentNetworks(services.redirects.coldClaims.spent.count)
    }

    /// Figures that are the same in every process that shares the state. If the state is unavailable, the totals keep their values.
    @Sendable private func recordState() async {
        var isAvailable = true
        for pool in services.pools.all {
            do {
                services.metrics.recordTotals(try await services.state.totals(of: pool.id), pool: pool.id)
                let due = try await services.state.nextDue(pools: [pool.id])
                services.metrics.recordOldestQueued(due?.duration(to: services.clock.now) ?? .zero, pool: pool.id)
            } catch {
                isAvailable = false
            }
        }
        services.metrics.recordState(isAvailable: isAvailable)
    }

    /// If a file system does not answer in time, the figure keeps its value.
    private func recordCapacity() async {
        for pool in services.pools.all {
            services.metrics.recordCapacity(maxBytes: pool.maxBytes, freeBytes: try? await pool.store.space()?.free, pool: pool.id)
        }
    }
}
