import Hummingbird
import MirrorCore
import MirrorViews
import NamedOrigins

/// `GET /v1/clients` and the page `/clients`: the recipes that point clients at the named origins.
///
/// Open to everyone: clients get these lines anyway, and they contain no rules or credentials.
struct ClientsRoutes: Sendable {
    let services: MirrorServices
    let address: PublicAddress
    let site: Site

    func register(on router: Router<MirrorRequestContext>) {
        router.get("/v1/clients") { request, _ in JSONResponse.make(answer(for: request), for: request) }
        router.get("/clients", use: page)
        router.head("/clients", use: page)
    }

    private func answer(for request: Request) -> ClientsCall.Answer {
        ClientRecipes.answer(for: services.named.value.origins, at: address.base(for: request))
    }

    private func page(_ request: Request, _ context: MirrorRequestContext) -> Response {
        let answer = answer(for: request)
        guard PageResponse.isHTMLWanted(by: request) else { return PageResponse.text(ClientsText.text(answer), for: request) }
        return PageResponse.html(ClientsView(answer), in: site.frame("cloud-mirror: clients", .clients, root: ""), for: request)
    }
}
