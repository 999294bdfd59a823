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
            for pool in services.pools.all {
                if let totals = try? await services.state.totals(of: pool.id) { services.metrics.recordTotals(totals, pool: pool.id) }
            }
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: services.registry.prometheusText())))
        }
    }
}
