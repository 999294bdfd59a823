import CloudRegions
import Hummingbird
import MirrorCore
import MirrorEngine

/// `GET /v1/which`: how the pool would be chosen for a client.
struct WhichRoute: Sendable {
    let services: MirrorServices

    func register(on group: RouterGroup<MirrorRequestContext>) {
        group.get("/v1/which", use: which)
    }

    private func which(_ request: Request, _ context: MirrorRequestContext) throws -> Response {
        guard let text = QueryFields(request.uri.query, ["address"])["address"], let address = IPAddress(text)?.unmapped else {
            throw RequestError(.inputError, "address must be an IPv4 or IPv6 address")
        }
        return JSONResponse.make(answer(for: address), for: request)
    }

    func answer(for address: IPAddress) -> WhichCall.Answer {
        let selector = services.selector.value
        let decision = selector.decision(for: address)
        let lists = selector.lists.map {
            WhichCall.List(cloud: $0.cloud.rawValue, prefixes: $0.prefixes, date: $0.date.iso8601)
        }
        return WhichCall.Answer(
            address: address.description, pool: decision.pool?.description, reason: decision.reason.rawValue,
            network: decision.network?.description, region: decision.region?.description, lists: lists)
    }
}
