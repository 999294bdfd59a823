import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore
import NIOPosix
import NamedOrigins

/// `DELETE /v1/purge/…` and `POST /v1/warm`: the calls that change something.
struct AdminRoutes: Sendable {
    /// How many replicas one request asks for at the same time.
    private static let warmConcurrency = 32

    let services: MirrorServices

    func register(on group: RouterGroup<MirrorRequestContext>) {
        group.delete("/v1/purge/**", use: purge)
        group.post("/v1/warm", use: warm)
    }

    /// 204 once the replica, its copy job and its object are gone, or if there was nothing.
    ///
    /// A client that prefers it (RFC 7240) gets 200 and a list of what was removed.
    private func purge(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let target = try RequestTarget(request.uri.path, behind: "/v1/purge/")
        let artifact = try services.artifact(target.url).source.name
        let pools = try target.pool.map { [try services.pool($0)] } ?? services.pools.all
        let answer = try await purge(artifact, from: pools, context.logger)
        guard Self.wantsAnswer(request) else { return Response(status: .noContent) }
        var response = JSONResponse.make(answer, for: request)
        response.headers[.preferenceApplied] = PurgeCall.preference
        return response
    }

    /// Removes an artifact's replicas, their copy jobs and their objects, and the page at its URL.
    func purge(_ artifact: ArtifactURL, from pools: [Pool], _ logger: Logger) async throws -> PurgeCall.Answer {
        var removed: [PurgeCall.Item] = []
        for pool in pools {
            let id = ReplicaID(artifact: artifact, pool: pool.id)
            do {
                if let state = Self.word(for: try await services.remover.purge(id)) {
                    removed.append(PurgeCall.Item(pool: pool.id.description, state: state))
                }
            } catch {
                services.metrics.countError(error)
                logger.error("purge failed", metadata: ["replica": "\(id)", "error": "\(error)"])
                throw RequestError(.unavailable, "the replica in \(pool.id) could not be removed; purge again")
            }
            logger.notice("purged", metadata: ["replica": "\(id)"])
        }
        var dropped = 0
        if let pages = services.pages.value {
            let page = services.named.value.call(artifact)?.page ?? artifact
            dropped = try await NIOThreadPool.singleton.runIfActive { pages.purge(page) }
        }
        return PurgeCall.Answer(url: artifact.description, removed: removed, pages: dropped)
    }

    /// - Returns: `nil` if there was nothing.
    private static func word(for purged: ReplicaRemover.Purged) -> String? {
        switch purged {
        case .nothing: nil
        case .replica(let state): state.rawValue
        case .removal: PurgeCall.Item.removing
        case .object: PurgeCall.Item.forgotten
        }
    }

    private static func wantsAnswer(_ request: Request) -> Bool {
        request.headers[values: .prefer].contains { field in
            field.split(separator: ",").contains { $0.filter { $0 != " " && $0 != "\t" }.lowercased() == PurgeCall.preference }
        }
    }

    /// 202 with the result for each artifact in each pool.
    private func warm(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        let warm: WarmCall.Request
        do {
            warm = try JSONBody.decode(Array(body.readableBytesView))
        } catch {
            throw RequestError(.inputError, #"the body must be {"urls": ["https://…"], "pools": ["service/region"]}: \#(error.reason)"#)
        }
        return JSONResponse.make(try await self.warm(warm), status: .accepted, for: request)
    }

    /// - Throws: ``RequestError``, before anything is queued.
    func warm(_ warm: WarmCall.Request) async throws -> WarmCall.Answer {
        guard warm.urls.count <= WarmCall.maxURLs else { throw RequestError(.inputError, "at most \(WarmCall.maxURLs) urls at a time") }
        let pools = try warm.pools?.map { try services.pool(named: $0) } ?? services.pools.all
        let origins = try warm.urls.map { try services.artifact($0) }
        let wanted = origins.flatMap { origin in pools.map { (origin: origin, pool: $0) } }
        // Each may need a request to its pool.
        let items = await withTaskGroup(of: (Int, WarmCall.Item).self) { group in
            var items = [WarmCall.Item?](repeating: nil, count: wanted.count)
            for (number, (origin, pool)) in wanted.enumerated() {
                if number >= Self.warmConcurrency, let (number, item) = await group.next() { items[number] = item }
                group.addTask {
                    let result = await services.redirects.warm(origin, in: pool)
                    return (
                        number,
                        WarmCall.Item(
                            url: origin.source.name.description, pool: pool.id.description, state: result.state,
                            error: result.message
                        )
                    )
                }
            }
            for await (number, item) in group { items[number] = item }
            return items.compactMap(\.self)
        }
        return WarmCall.Answer(replicas: items)
    }
}

extension HTTPField.Name {
    // These are valid tokens, so the fallback is never used.
    fileprivate static let prefer = HTTPField.Name("Prefer") ?? .server
    fileprivate static let preferenceApplied = HTTPField.Name("Preference-Applied") ?? .server
}
