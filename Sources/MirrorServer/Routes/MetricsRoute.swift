import HTTPTypes
import Hummingbird
import Logging
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore

/// `GET /metrics`: Prometheus text.
struct MetricsRoute: Sendable {
    let services: MirrorServices

    func register(on router: Router<MirrorRequestContext>) {
        router.get("/metrics") { _, _ in
            services.metrics.recordWaiting(services.waiters.count)
            await recordState()
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: services.registry.prometheusText())))
        }
    }

    /// What every process that shares the state says alike. While the state is away, the totals stay what they were.
    private func recordState() async {
        var isAvailable = true
        for pool in services.pools.all {
            do {
                services.metrics.recordTotals(try await services.state.totals(of: pool.id), pool: pool.id)
            } catch {
                isAvailable = false
            }
        }
        services.metrics.recordState(isAvailable: isAvailable)
    }
}
