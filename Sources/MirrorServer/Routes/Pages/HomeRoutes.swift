import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorViews
import NamedOrigins

/// `GET /`: a description for people who open it in a browser or with curl. `GET /v1/go`: from an artifact's plain URL to its redirect URL.
struct HomeRoutes: Sendable {
    let services: MirrorServices
    let address: PublicAddress
    let site: Site

    func register(on router: Router<MirrorRequestContext>) {
        router.get("/", use: home)
        router.head("/", use: home)
        router.get("/v1/go", use: go)
        router.head("/v1/go", use: go)
    }

    private func home(_ request: Request, _ context: MirrorRequestContext) -> Response {
        let home = home(for: request, isRoot: true)
        return PageResponse.isHTMLWanted(by: request) ? page(home, for: request) : PageResponse.text(home.text, for: request)
    }

    /// Redirects to the artifact's redirect URL, or shows that URL (`?show=link`).
    ///
    /// The location is relative, so that it is also right behind a proxy that gives this service its own path.
    private func go(_ request: Request, _ context: MirrorRequestContext) throws -> Response {
        guard let fields = FormFields(request.uri.query ?? "", ["url", "pool", "show"]) else {
            throw RequestError(.inputError, "the query is not valid percent-encoding of UTF-8")
        }
        let wanted = fields.trimmed("url")
        guard !wanted.isEmpty else { return Self.redirect(to: "../") }
        var home = home(for: request, isRoot: false)
        home.url = wanted
        home.chosenPool = fields["pool"]
        let (artifact, path): (ArtifactURL, String)
        do {
            (artifact, path) = try redirectPath(of: wanted, pool: fields["pool"] ?? "")
        } catch {
            guard PageResponse.isHTMLWanted(by: request) else { throw error }
            home.problem = error.message
            return page(home, status: error.status, for: request)
        }
        if PageResponse.isHTMLWanted(by: request), let refusal = refusal(of: wanted) {
            home.problem = refusal
            return page(home, status: .forbidden, for: request)
        }
        guard fields["show"] == "link" else { return Self.redirect(to: "redirect/\(path)") }
        home.link = HomePage.Link(url: "\(home.base)/v1/redirect/\(path)", name: String(ObjectKey(artifact).name))
        return PageResponse.isHTMLWanted(by: request) ? page(home, for: request) : PageResponse.text(home.text, for: request)
    }

    /// What follows `/v1/redirect/`. The URL is passed on as written: this route does not decide what may be left out of it.
    private func redirectPath(of url: String, pool name: String) throws(RequestError) -> (ArtifactURL, String) {
        let artifact: ArtifactURL
        do {
            artifact = try services.redirects.resolve(url).source.url
        } catch {
            throw RequestError(.inputError, "this is not the URL of a file: \(error.reason)")
        }
        let encoded = PercentCoding.encode(url)
        guard !name.isEmpty else { return (artifact, encoded) }
        let pool = try services.pool(named: name)
        return (artifact, "\(pool.id)/\(encoded)")
    }

    /// Why the mirror does not fetch a file, for a person who would otherwise get the JSON of the redirect.
    private func refusal(of url: String) -> String? {
        do {
            try services.redirects.resolve(url).check()
            return nil
        } catch let error as OutboundError {
            return site.hasDashboard ? "\(error.message). The dashboard says below \"Replicas\" what is allowed." : error.message
        } catch {
            return nil
        }
    }

    // MARK: Answers

    private func home(for request: Request, isRoot: Bool) -> HomePage {
        let base = address.base(for: request)
        return HomePage(
            base: base, isRoot: isRoot, pools: services.pools.all.map(\.id),
            clients: ClientRecipes.answer(for: services.named.value.origins, at: base))
    }

    private func page(_ home: HomePage, status: HTTPResponse.Status = .ok, for request: Request) -> Response {
        PageResponse.html(home.view, in: site.frame("cloud-mirror", .home, root: home.root), status: status, for: request)
    }

    private static func redirect(to location: String) -> Response {
        Response(status: .found, headers: [.location: location, .cacheControl: "no-store", .contentLength: "0"])
    }
}
