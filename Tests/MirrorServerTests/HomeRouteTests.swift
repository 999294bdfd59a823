import MirrorCore
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct HomeRouteTests {
    private static let browser = ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    private static let artifact = "https://artifacts.example.org/a b+c.txt?x=1&y='<"

    private static func form(_ url: String, _ more: String = "") -> String { "/v1/go?url=\(PercentCoding.encode(url))\(more)" }

    @Test func `a browser is shown a page with a form that needs no script and loads nothing from anywhere else`() async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.get("/", [Self.browser])
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/html; charset=utf-8")
            #expect(response["Vary"] == "Accept")
            let page = response.text
            #expect(page.contains(#"<form action="v1/go" method="get">"#))
            #expect(page.contains("<option>local/dev</option><option>local/two</option>"))
            #expect(page.contains(#"<a href="dashboard">"#))
            PageCheck.expectOwnFilesOnly(response)
            PageCheck.expectAccessible(response.text)
            #expect(response["Content-Security-Policy"]?.contains("form-action 'self' http: https:;") == true)
        }
    }

    @Test(arguments: ["*/*", nil, "text/html;q=0", "application/json", "text/html; q=0.0, */*", "text/htmlx"])
    func `another client is told what this is, with a line for curl`(accept: String?) async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.get("/", accept.map { [("Accept", $0)] } ?? [])
            #expect(response.status == 200)
            #expect(response["Content-Type"] == "text/plain; charset=utf-8")
            #expect(response.text.hasPrefix("cloud-mirror \(CloudMirrorVersion.current)\n"))
            let host = try require(response.text.split(separator: "\n").first { $0.contains("curl") })
            #expect(host.hasSuffix("/v1/go' -o NAME"))
            #expect(host.contains("curl -fL --get --data-urlencode 'url=https://HOST/PATH' 'http://"))
        }
    }

    @Test(arguments: ["/", HomeRouteTests.form("https://artifacts.example.org/a"), HomeRouteTests.form("https://x/a", "&show=link")])
    func `a HEAD has the fields of a GET and no body`(target: String) async throws {
        try await MirrorFixture.run { mirror in
            let get = try await mirror.get(target)
            let head = try await mirror.request("HEAD", target)
            #expect(head.status == get.status)
            #expect(head["Content-Length"] == get["Content-Length"])
            #expect(head["Content-Type"] == get["Content-Type"])
            #expect(head["Location"] == get["Location"])
            #expect(head.body.isEmpty)
            #expect(try await mirror.request("POST", "/")["Allow"] == "GET, HEAD")
        }
    }

    @Test func `the page is on the main listener also when admin calls have their own`() async throws {
        try await MirrorFixture.run(World(), .with { $0.hasAdminListener = true }) { mirror in
            #expect(try await mirror.get("/").status == 200)
            let port = try require(mirror.adminPort)
            #expect(try await RawConnection.run(port: port) { try await $0.request("GET", "/", [], body: nil) }.status == 404)
        }
    }

    @Test func `a URL as it is leads to where it is redirected, relative to where it was asked`() async throws {
        try await MirrorFixture.run { mirror in
            let encoded = PercentCoding.encode(Self.artifact)
            let chosen = try await mirror.get(Self.form(Self.artifact))
            #expect(chosen.status == 302)
            #expect(chosen["Location"] == "redirect/\(encoded)")
            let named = try await mirror.get(Self.form("  \(Self.artifact)\r\n", "&pool=local%2Ftwo"))
            #expect(named["Location"] == "redirect/local/two/\(encoded)")
            // A form's own way to write a space.
            let plus = try await mirror.get("/v1/go?pool=&url=https://artifacts.example.org/a+b%2Bc.txt?x=1%26y='%3C")
            #expect(plus["Location"] == "redirect/\(encoded)")
            let redirected = try await mirror.get("/v1/redirect/local/dev/\(encoded)")
            #expect(redirected.status == 302)
            #expect(redirected["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(try await mirror.get("/v1/go?url=")["Location"] == "../")
        }
    }

    @Test func `a URL that cannot be is an error, in a browser with the form as it was filled in`() async throws {
        try await MirrorFixture.run { mirror in
            let wrong = #"ftp://"><script>alert(1)</script>"#
            let json = try await mirror.get(Self.form(wrong))
            #expect(json.status == 400)
            #expect(json.json["code"]?.string == "InputError")
            let page = try await mirror.get(Self.form(wrong), [Self.browser])
            #expect(page.status == 400)
            #expect(page["Content-Type"] == "text/html; charset=utf-8")
            #expect(page.text.contains("this is not the URL of a file"))
            #expect(page.text.contains(#"value="ftp://&quot;&gt;&lt;script&gt;"#))
            #expect(!page.text.contains("<script>"))
            #expect(page.text.contains(#"<form action="go""#))
            let pool = try await mirror.get(Self.form(Self.artifact, "&pool=local/nowhere"))
            #expect(pool.status == 404)
            #expect(pool.json["message"]?.string?.contains("local/dev, local/two") == true)
            for broken in ["/v1/go?url=%", "/v1/go?url=%FF"] { #expect(try await mirror.get(broken).status == 400, "\(broken)") }
        }
    }

    @Test(arguments: ["", "&show=link"])
    func `a browser is told on the page that a URL is not allowed, other clients by the redirect`(more: String) async throws {
        try await MirrorFixture.run { mirror in
            let target = Self.form("https://elsewhere.example/a.txt", more)
            let page = try await mirror.get(target, [Self.browser])
            #expect(page.status == 403)
            #expect(page.text.contains("https://elsewhere.example/a.txt matches no rule in origins.allow."))
            #expect(page.text.contains(#"value="https://elsewhere.example/a.txt""#))
            #expect(try await mirror.get(target).status == (more.isEmpty ? 302 : 200))
        }
    }

    @Test func `the link can be shown, with a line for curl that a shell reads as it is meant`() async throws {
        try await MirrorFixture.run(World(), .with { $0.publicURL = "https://mirror.example/base" }) { mirror in
            let artifact = "https://artifacts.example.org/it's here.txt"
            let link = "https://mirror.example/base/v1/redirect/local/dev/\(PercentCoding.encode(artifact))"
            let text = try await mirror.get(Self.form(artifact, "&pool=local/dev&show=link"))
            #expect(text.text == "\(link)\n\n    curl -fL '\(link)' -o 'it'\\''s here.txt'\n")
            let page = try await mirror.get(Self.form(artifact, "&pool=local/dev&show=link"), [Self.browser])
            #expect(page.text.contains(#"<a href="\#(link)""#))
            #expect(page.text.contains("<option selected>local/dev</option>"))
        }
    }

    @Test(arguments: ["mirror.example:8080", "[::1]:80", "a'b", "x\"y", "a$(id)", "<b>"])
    func `the host that a client names is shown only where it is one`(host: String) async throws {
        try await MirrorFixture.run { mirror in
            let response = try await RawConnection.run(port: mirror.port) { connection in
                await connection.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                return try await connection.response()
            }
            guard response.status == 200 else {
                #expect(response.status == 400)
                return
            }
            let isPlain = host.allSatisfy { $0.isLetter || $0.isNumber || ".:[]".contains($0) }
            #expect(response.text.contains("'http://\(isPlain ? host : "MIRROR")/v1/go'"))
        }
    }
}
