import MirrorCore
import MirrorState
import MirrorTesting
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct DashboardLoginTests {
    private static let pages = ["/dashboard", "/dashboard/replicas"]

    @Test func `without a session every page leads to the login, and the events are refused`() async throws {
        try await MirrorFixture.run { mirror in
            let wrong = ["", "cloud_mirror_session=", "cloud_mirror_session=1.2.3", "cloud_mirror_session=\(MirrorFixture.token)"]
            for target in Self.pages {
                for cookie in wrong {
                    let response = try await mirror.get(target, [("Cookie", cookie), ("Authorization", "Bearer \(MirrorFixture.token)")])
                    #expect(response.status == 303, "\(target) \(cookie)")
                    #expect(response["Location"]?.hasSuffix("dashboard/login") == true)
                }
            }
            #expect(try await mirror.get("/dashboard/events").status == 401)
            for target in ["/dashboard/purge", "/dashboard/warm", "/dashboard/logout"] {
                #expect(try await mirror.post(target, [("form", "x")])["Location"] == "../dashboard/login", "\(target)")
            }
            let login = try await mirror.get("/dashboard/login")
            #expect(login.status == 200)
            PageCheck.expectOwnFilesOnly(login)
            PageCheck.expectAccessible(login.text)
            #expect(login["Content-Security-Policy"]?.contains("; form-action 'self'; ") == true)
        }
    }

    @Test func `a token opens a session whose cookie no script and no other site gets`() async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.post("/dashboard/login", [("token", " \(MirrorFixture.token)\r\n")])
            #expect(response.status == 303)
            #expect(response["Location"] == "../dashboard")
            let cookie = try require(response["Set-Cookie"])
            #expect(cookie.hasPrefix("cloud_mirror_session="))
            #expect(cookie.hasSuffix("; Max-Age=43200; HttpOnly; SameSite=Strict"))
            #expect(!cookie.contains("Path") && !cookie.contains(MirrorFixture.token))
            let session = String(try require(cookie.split(separator: ";").first))
            for target in Self.pages {
                let page = try await mirror.get(target, [("Cookie", "other=1; \(session)")])
                #expect(page.status == 200, "\(target)")
                PageCheck.expectOwnFilesOnly(page)
                PageCheck.expectAccessible(page.text)
                #expect(page["Content-Security-Policy"]?.contains("; form-action 'self'; ") == true)
                #expect(!page.text.contains(MirrorFixture.token))
            }
            // The session is for pages alone.
            #expect(try await mirror.get("/v1/stats", [("Cookie", session)]).status == 401)
        }
    }

    @Test(arguments: [
        (nil, "http://m.example", false), (nil, "https://m.example", true), ("https://m.example/x", nil, true), (nil, nil, false),
    ])
    func `the cookie is for HTTPS alone where that is how people come`(publicURL: String?, origin: String?, isSecure: Bool) async throws {
        try await MirrorFixture.run(World(), .with { $0.publicURL = publicURL }) { mirror in
            let fields = origin.map { [("Origin", $0)] } ?? []
            let response = try await mirror.post("/dashboard/login", [("token", MirrorFixture.token)], fields)
            #expect(response["Set-Cookie"]?.hasSuffix("; Secure") == isSecure)
        }
    }

    @Test func `wrong tokens are refused, counted and answered more and more slowly`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            for _ in 0..<AdminRefusals.freeGuesses {
                let response = try await mirror.post("/dashboard/login", [("token", "guess")])
                #expect(response.status == 403)
                #expect(response["Set-Cookie"] == nil)
                #expect(response.text.contains("That is not an admin token"))
            }
            let slow = Task { try await mirror.post("/dashboard/login", [("token", "guess")]).status }
            await world.clock.sleepers(1)
            _ = try await mirror.logIn()
            world.clock.advance(by: AdminRefusals.firstDelay)
            #expect(try await slow.value == 403)
            let refused = mirror.services.registry.values(of: AdminRefusals.metric).first { $0.labels["reason"] == "wrong-token" }
            #expect(refused?.value == Double(AdminRefusals.freeGuesses + 1))
        }
    }

    @Test func `of a login, no more is kept than a token needs, and with a session forms may be long`() async throws {
        try await MirrorFixture.run { mirror in
            let long = String(repeating: "x", count: DashboardRoutes.maxLogin)
            #expect(try await mirror.post("/dashboard/login", [("token", long)]).status == 413)
            #expect(try await mirror.post("/dashboard/login", [("token", String(long.dropLast(100)))]).status == 403)
            let cookie = try await mirror.logIn()
            let form = [("form", try await mirror.formKey(cookie)), ("pool", "local/dev"), ("url", "https://a.example/" + long)]
            #expect(try await mirror.post("/dashboard/warm", form, cookie: cookie).status != 413)
        }
    }

    @Test func `a session ends with its time, with its token and with the logout`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            func status(_ cookie: String) async throws -> Int { try await mirror.get("/dashboard/replicas", [("Cookie", cookie)]).status }
            let first = try await mirror.logIn()
            let other = try await mirror.logIn()
            #expect(first != other)
            let out = try await mirror.post("/dashboard/logout", [("form", try await mirror.formKey(first))], cookie: first)
            #expect(out.status == 303)
            #expect(out["Set-Cookie"]?.hasPrefix("cloud_mirror_session=; Max-Age=0;") == true)
            #expect(try await status(first) == 303)
            #expect(try await status(other) == 200)
            mirror.server.reload(adminTokens: ["another token"])
            #expect(try await status(other) == 303)
            mirror.server.reload(adminTokens: ["another token", MirrorFixture.token])
            #expect(try await status(other) == 200)
            world.clock.setTime(by: DashboardSessions.life + .seconds(1))
            #expect(try await status(other) == 303)
            world.clock.setTime(by: .zero - DashboardSessions.life * 2)
            #expect(try await status(other) == 303, "it would last longer than a session may")
        }
    }

    @Test func `another node with the same token knows the session, and one with another token does not`() {
        let clock = ManualClock()
        func node(_ tokens: String...) -> DashboardSessions { DashboardSessions(tokens: Reloadable(AdminTokens(tokens)), clock: clock) }
        let cookie = node("first", "second").begin(with: "second") ?? ""
        #expect(node("second").session(cookie[...]) != nil)
        #expect(node("first").session(cookie[...]) == nil)
        #expect(node("first").begin(with: "second") == nil)
        #expect(node().begin(with: "") == nil)
        for index in cookie.indices {
            var changed = cookie
            changed.replaceSubrange(index...index, with: cookie[index] == "0" ? "1" : "0")
            #expect(node("second").session(changed[...]) == nil, "\(changed)")
        }
    }

    @Test func `a form of another site, or without the key of the session, changes nothing`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let (cookie, other) = (try await mirror.logIn(), try await mirror.logIn())
            let key = try await mirror.formKey(cookie)
            let form = [("url", id.artifact.description), ("pool", "local/dev")]
            let refused: [([(String, String)], [(String, String)])] = [
                (form, []), (form + [("form", "")], []), (form + [("form", try await mirror.formKey(other))], []),
                (form + [("form", key)], [("Sec-Fetch-Site", "cross-site")]), (form + [("form", key)], [("Sec-Fetch-Site", "same-site")]),
            ]
            for (form, fields) in refused {
                for target in ["/dashboard/purge", "/dashboard/logout"] {
                    #expect(try await mirror.post(target, form, cookie: cookie, fields).status == 403, "\(target) \(form) \(fields)")
                }
            }
            let json = try await mirror.request(
                "POST", "/dashboard/purge", [("Cookie", cookie), ("Content-Type", "application/json")], body: "{}")
            #expect(json.status == 400)
            #expect(try await world.state.replica(id) != nil)
            let own = try await mirror.post("/dashboard/purge", form + [("form", key)], cookie: cookie, [("Sec-Fetch-Site", "same-origin")])
            #expect(own.status == 200)
            #expect(try await world.state.replica(id) == nil)
        }
    }

    @Test func `the dashboard is where admin calls are, and can be left out`() async throws {
        try await MirrorFixture.run(World(), .with { $0.hasAdminListener = true }) { mirror in
            #expect(try await mirror.get("/dashboard").status == 404)
            #expect(try await !mirror.get("/", [("Accept", "text/html")]).text.contains("dashboard"))
            let port = try require(mirror.adminPort)
            let login = try await RawConnection.run(port: port) { try await $0.get("/dashboard/login") }
            #expect(login.status == 200)
            #expect(!login.text.contains(">Clients<"))
            #expect(try await mirror.post("/dashboard/login", [("token", MirrorFixture.token)], port: port).status == 303)
        }
        try await MirrorFixture.run(World(), .with { $0.hasDashboard = false }) { mirror async throws in
            #expect(try await mirror.get("/dashboard").status == 404)
            #expect(try await mirror.get("/dashboard/login").status == 404)
        }
    }
}
