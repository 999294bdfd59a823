#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import MirrorStorage
import NIOCore

/// `DELETE /v1/purge/…` and `POST /v1/warm`: what changes something.
struct AdminRoutes: Sendable {
    /// Artifacts of one warm request, at most.
    static let maxWarm = 10_000
    /// Replicas that one request asks for at the same time.
    private static let warmConcurrency = 32

    let services: MirrorServices

    func register(on group: RouterGroup<MirrorRequestContext>) {
        group.delete("/v1/purge/**", use: purge)
        group.post("/v1/warm", use: warm)
    }

    /// 204 once the replica, its copy job and its object are gone; also when there was nothing.
    private func purge(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let target = try RequestTarget(request.uri.path, behind: "/v1/purge/", parse: services.redirects.source)
        let pools = try target.pool.map { [try services.pool($0)] } ?? services.pools.all
        for pool in pools {
            let id = ReplicaID(artifact: target.artifact, pool: pool.id)
            do {
                try await services.remover.purge(id)
            } catch {
                services.metrics.countError(error)
                context.logger.error("purge failed", metadata: ["replica": "\(id)", "error": "\(error)"])
                throw RequestError(.unavailable, "the replica in \(pool.id) could not be removed; purge again")
            }
            context.logger.notice("purged", metadata: ["replica": "\(id)"])
        }
        return Response(status: .noContent)
    }

    private struct WarmRequest: Decodable {
        let urls: [String]
        let pools: [String]?
    }

    private struct WarmAnswer: Encodable {
        let replicas: [Item]

        struct Item: Encodable {
            let url: String
            let pool: String
            /// A replica's state, or why there will be none: `refused`, `queue-full`, `unavailable`.
            let state: String
            let error: String?
        }
    }

    /// 202 with what became of each artifact in each pool.
    private func warm(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        guard let warm = try? JSONDecoder().decode(WarmRequest.self, from: Data(body.readableBytesView)) else {
            throw RequestError(.inputError, #"the body must be JSON: {"urls": ["https://…"], "pools": ["service/region"]}"#)
        }
        guard warm.urls.count <= Self.maxWarm else { throw RequestError(.inputError, "at most \(Self.maxWarm) urls at a time") }
        let pools = try warm.pools?.map { try services.pool(named: $0) } ?? services.pools.all
        let sources = try warm.urls.map { text in
            do {
                return try services.redirects.source(text)
            } catch {
                throw RequestError(.inputError, "\(error)")
            }
        }
        let wanted = sources.flatMap { source in pools.map { (source: source, pool: $0) } }
        // Each may cost a request to its pool.
        let items = await withTaskGroup(of: (Int, WarmAnswer.Item).self) { group in
            var items = [WarmAnswer.Item?](repeating: nil, count: wanted.count)
            for (number, (source, pool)) in wanted.enumerated() {
                if number >= Self.warmConcurrency, let (number, item) = await group.next() { items[number] = item }
                group.addTask {
                    let result = await services.redirects.warm(source, in: pool)
                    return (
                        number,
                        WarmAnswer.Item(url: source.name.description, pool: pool.id.description, state: result.word, error: result.message)
                    )
                }
            }
            for await (number, item) in group { items[number] = item }
            return items.compactMap(\.self)
        }
        return JSONResponse.make(WarmAnswer(replicas: items), status: .accepted, for: request)
    }
}
