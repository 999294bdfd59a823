import HTTPTypes
import Hummingbird
import Logging
import MirrorCore
import MirrorEngine
import MirrorViews
import NIOCore

/// `/dashboard` and the pages below it: what the mirror does, for people who have logged in with an admin token.
///
/// All of it works without scripts, which only keep the figures up to date.
struct DashboardRoutes: Sendable {
    static let path = "/dashboard"
    /// Bytes of a form.
    private static let maxForm = 1 << 20
    /// Bytes of a form that anybody may send.
    static let maxLogin = 8 << 10

    let services: MirrorServices
    let sessions: DashboardSessions
    let figures: DashboardFigures
    let feed: DashboardFeed
    let refusals: AdminRefusals
    let site: Site
    /// Whether clients reach the listener by HTTPS, as far as the configuration says.
    let isHTTPS: Bool

    func register(on router: Router<MirrorRequestContext>) {
        router.get("/dashboard", use: page(root: "", overview))
        router.get("/dashboard/login", use: page(root: "../", loginForm))
        router.post("/dashboard/login", use: page(root: "../", login))
        router.post("/dashboard/logout", use: page(root: "../", logout))
        router.get("/dashboard/replicas", use: page(root: "../", replicas))
        router.post("/dashboard/purge", use: page(root: "../", purge))
        router.post("/dashboard/warm", use: page(root: "../", warm))
        router.get("/dashboard/events", use: events)
    }

    /// There is no session: the person has to log in.
    private struct LoginNeeded: Error {}

    private typealias Handler = @Sendable (Request, MirrorRequestContext) async throws -> Response

    /// Shows errors as pages.
    private func page(root: String, _ handler: @escaping Handler) -> Handler {
        { request, context in
            do {
                return try await handler(request, context)
            } catch is LoginNeeded {
                return Self.redirect(to: "\(root)dashboard/login")
            } catch let error as RequestError {
                let view = ProblemView(heading: "This did not work", problem: error.message, back: "\(root)dashboard")
                return PageResponse.html(
                    view, in: site.frame("cloud-mirror: problem", .other, root: root, session: sessions.session(of: request)),
                    status: error.status, scope: .dashboard, for: request)
            }
        }
    }

    // MARK: Figures

    private func overview(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let session = try neededSession(of: request)
        guard let rows = await figures.rows() else { throw RequestError(.unavailable, "the figures were not ready in time; try again") }
        return PageResponse.html(
            DashboardView(events: "dashboard/events", rows: rows),
            in: site.frame("cloud-mirror: dashboard", .dashboard, root: "", session: session), scope: .dashboard, for: request)
    }

    /// Server-sent events: `rows` with the figures, once in a second, and `end` when the session has ended.
    ///
    /// - SeeAlso: HTML Standard, "Server-sent events".
    private func events(_ request: Request, _ context: MirrorRequestContext) throws -> Response {
        guard let session = sessions.session(of: request) else { throw RequestError(.unauthorized, "log in at /dashboard/login first") }
        guard let viewer = feed.open(for: session.id) else {
            throw RequestError(.unavailable, "too many people, or too many pages of your session, are already viewing the dashboard")
        }
        var fields: HTTPFields = [
            .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
        ]
        // nginx would keep the events until it has some kilobytes of them.
        fields[.xAccelBuffering] = "no"
        let (sessions, client) = (sessions, context.client)
        return Response(
            status: .ok, headers: fields,
            body: ResponseBody { writer in
                client?.whenLeft { viewer.end() }
                defer { client?.forget() }
                try await writer.write(ByteBuffer(string: "retry: 3000\n\n"))
                for await frame in viewer.frames {
                    guard sessions.isAlive(session) else {
                        try await writer.write(Self.event("end", ""))
                        break
                    }
                    try await writer.write(frame)
                }
                try await writer.finish(nil)
            })
    }

    /// - Parameter text: May have several lines, which the browser puts together again.
    static func event(_ name: String, _ text: String) -> ByteBuffer {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "data: \($0)\n" }
        return ByteBuffer(string: "event: \(name)\n\(lines.joined())\n")
    }

    // MARK: Sessions

    private func loginForm(_ request: Request, _ context: MirrorRequestContext) -> Response {
        guard sessions.session(of: request) == nil else { return Self.redirect(to: "../dashboard") }
        return loginPage(problem: sessions.isOpen ? nil : "This mirror has no admin token, so nobody can log in.", for: request)
    }

    private func loginPage(problem: String?, status: HTTPResponse.Status = .ok, for request: Request) -> Response {
        PageResponse.html(
            LoginView(action: "login", problem: problem), in: site.frame("cloud-mirror: log in", .other, root: "../"), status: status,
            scope: .dashboard, for: request)
    }

    /// Wrong tokens are counted, logged and answered more and more slowly, as those of admin calls are.
    private func login(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let form = try await form(of: request, ["token"], limit: Self.maxLogin)
        let token = form.trimmed("token")
        guard let cookie = sessions.begin(with: token) else {
            if !token.isEmpty {
                let client = services.selector.value.client(peer: context.peer, values: request.forwarded)
                await refusals.wrongToken(from: client, context.logger)
            }
            return loginPage(problem: "That is not an admin token of this mirror.", status: .forbidden, for: request)
        }
        context.logger.notice("someone logged in to the dashboard")
        return Self.redirect(to: "../dashboard", cookie: self.cookie(cookie, life: DashboardSessions.life, for: request))
    }

    private func logout(_ request: Request, _ context: MirrorRequestContext) async throws -> Response {
        let (session, _) = try await sessionAndForm(of: request, [])
        sessions.end(session)
        return Self.redirect(to: "login", cookie: cookie("", life: .zero, for: request))
    }

    /// Without a path: a browser then sends the cookie to the dashboard alone, also behind a proxy that gives this service its own path.
    private func cookie(_ value: String, life: Duration, for request: Request) -> String {
        // Browsers say how they reach the page that a form is on; only a proxy in front may know HTTPS.
        let isSecure = isHTTPS || request.headers[.origin]?.lowercased().hasPrefix("https://") == true
        let age = life.wholeMilliseconds / 1_000
        return "\(DashboardSessions.cookie)=\(value); Max-Age=\(age); HttpOnly; SameSite=Strict\(isSecure ? "; Secure" : "")"
    }

    /// - Throws: What leads to the login.
    func neededSession(of request: Request) throws -> DashboardSession {
        guard let session = sessions.session(of: request) else { throw LoginNeeded() }
        return session
    }

    // MARK: Forms

    /// The session and the form of a request that changes something.
    ///
    /// - Throws: ``RequestError`` unless a page of this session has sent the form.
    func sessionAndForm(of request: Request, _ names: [String]) async throws -> (DashboardSession, FormFields) {
        let session = try neededSession(of: request)
        let form = try await form(of: request, names + ["form"])
        guard DashboardSessions.isEqual(form["form"] ?? "", session.formKey) else { throw Self.foreignForm }
        return (session, form)
    }

    private func form(of request: Request, _ names: [String], limit: Int = Self.maxForm) async throws -> FormFields {
        // Browsers say this about themselves; other clients are no danger to who uses them.
        if let site = request.headers[.secFetchSite], site != "same-origin", site != "none" { throw Self.foreignForm }
        guard request.headers[.contentType]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true else {
            throw RequestError(.inputError, "the body must be a form (application/x-www-form-urlencoded)")
        }
        let body = try await request.body.collect(upTo: limit)
        guard let form = FormFields(String(buffer: body), names) else {
            throw RequestError(.inputError, "the form is not valid percent-encoding of UTF-8")
        }
        return form
    }

    private static let foreignForm = RequestError(.forbidden, "the form is not from a page of this session; load the page again")

    private static func redirect(to location: String, cookie: String? = nil) -> Response {
        var fields: HTTPFields = [.location: location, .cacheControl: "no-store", .contentLength: "0"]
        if let cookie { fields[.setCookie] = cookie }
        return Response(status: .seeOther, headers: fields)
    }
}

extension HTTPField.Name {
    // These are valid tokens, so the fallback is never used.
    fileprivate static let xAccelBuffering = HTTPField.Name("X-Accel-Buffering") ?? .server
    fileprivate static let secFetchSite = HTTPField.Name("Sec-Fetch-Site") ?? .server
}
