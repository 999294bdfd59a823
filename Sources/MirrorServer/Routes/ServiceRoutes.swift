import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import NIOCore

/// Liveness, readiness and the references: open to everyone.
struct ServiceRoutes: Sendable {
    let services: MirrorServices
    /// As clients write it; `nil` for the address that the request was sent to.
    let publicURL: String?
    let isTLS: Bool

    /// - Parameter hasReferences: `false` for a process that has next to none of the routes that they describe.
    func register(on router: Router<MirrorRequestContext>, hasReferences: Bool = true) {
        router.get("/v1/ping", use: ping)
        if hasReferences {
            router.get("/v1/api-reference", use: apiReference)
            router.get("/v1/openapi.yaml", use: openAPI)
        }
        router.get("/healthz") { request, _ in JSONResponse.make(HealthCall.Liveness(status: HealthCall.ok), for: request) }
        router.get("/readyz", use: ready)
    }

    private func ping(_ request: Request, _ context: MirrorRequestContext) -> Response {
        JSONResponse.make(
            HealthCall.Ping(alive: true, uptime: services.started.duration(to: services.clock.instant).inSeconds), for: request)
    }

    private func apiReference(_ request: Request, _ context: MirrorRequestContext) -> Response {
        let address = publicURL ?? "\(isTLS ? "https" : "http")://\(request.head.authority ?? "localhost")"
        return JSONResponse.make(APIReference.answer(at: address), for: request)
    }

    private static let openAPIDocument = ByteBuffer(bytes: EmbeddedFile.openAPI.bytes)

    private func openAPI(_ request: Request, _ context: MirrorRequestContext) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/yaml"],
            body: ResponseBody(byteBuffer: Self.openAPIDocument))
    }

    /// 503 while all pools are unhealthy, or a state store of this process alone is: a mirror with one healthy pool is still useful.
    ///
    /// A shared state store that is unavailable is so for all processes: taking all of them out of service would also end what they still answer from
    /// memory, and the redirects to the origin. They are `degraded`, with 200.
    ///
    /// The answer may be some seconds old: anyone may ask, and each check is a call to a service.
    private func ready(_ request: Request, _ context: MirrorRequestContext) async -> Response {
        async let state = stateFailure()
        let failures = await services.health.checkPools()
        let stateFailure = await state
        var checks: [String: String] = [:]
        for pool in services.pools.all { checks["pool \(pool.id)"] = Self.word(failures[pool.id]) }
        checks["state"] = Self.word(stateFailure)
        let isAnyPoolUp = services.pools.all.isEmpty || failures.count < services.pools.all.count
        let isReady = isAnyPoolUp && (stateFailure == nil || services.isStateShared)
        let status = isReady ? (stateFailure == nil ? HealthCall.ok : HealthCall.degraded) : HealthCall.unavailable
        return JSONResponse.make(
            HealthCall.Readiness(status: status, checks: checks), status: isReady ? .ok : .serviceUnavailable, for: request)
    }

    private func stateFailure() async -> (any Error)? {
        do {
            try await services.health.checkState()
            return nil
        } catch {
            return error
        }
    }

    private static func word(_ failure: (any Error)?) -> String {
        failure.map { "\(HealthCall.unavailable): \(HealthReason.open($0))" } ?? HealthCall.ok
    }
}
