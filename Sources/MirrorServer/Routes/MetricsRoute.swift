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
    /// Who asks within so long is told the figures that others were told.
    static let figuresLife = Duration.seconds(2)

    let services: MirrorServices
    /// The figures that have to be asked for, in the state, in file systems and of the system: everybody may see this page.
    let figures: SharedLooks<String, Void>
    /// One page at a time is written, for all who ask meanwhile.
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
        services.metrics.recordWaiting(services.waiters.count)
        async let capacity: Void? = figures.answer("capacity") { await recordCapacity() }
        async let process: Void? = figures.answer("process") { recordProcess() }
        if await figures.answer("state", recordState) == nil { services.metrics.recordState(isAvailable: false) }
        _ = await (capacity, process)
        return ByteBuffer(string: services.registry.prometheusText())
    }

    /// What takes a look at each open descriptor, and at each network that has a budget.
    private func recordProcess() {
        services.pages.value?.recordUsage()
        services.process.record()
        services.metrics.recordSpentNetworks(services.redirects.coldClaims.spent.count)
    }

    /// What every process that shares the state says alike. While the state is away, the totals stay what they were.
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

    /// Of a file system that does not answer, or not in time, the last figure stays.
    private func recordCapacity() async {
        for pool in services.pools.all {
            services.metrics.recordCapacity(maxBytes: pool.maxBytes, freeBytes: try? await pool.store.space()?.free, pool: pool.id)
        }
    }
}
