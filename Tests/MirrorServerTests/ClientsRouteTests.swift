#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore
import MirrorSettings
import NamedOrigins
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct ClientsRouteTests {
    private static let browser = ("Accept", "text/html,*/*;q=0.8")

    private static func options(_ publicURL: String? = nil) throws -> MirrorOptions {
        let origin = NamedOrigin(
            name: "pip", url: try ArtifactURL("https://user-facing.example.org/"), preset: .python,
            credentials: .field(name: "X-Key", value: Secret("a secret")))
        return .with { options in
            options.named = [origin]
            options.publicURL = publicURL
        }
    }

    @Test func `everybody is told how clients are configured, for the address that they asked`() async throws {
        try await MirrorFixture.run(World(), Self.options()) { mirror in
            let body = try await mirror.get("/v1/clients", [("Host", "mirror.example.org:81")]).body
            let answer = try JSONDecoder().decode(ClientsCall.Answer.self, from: Data(body))
            let origin = try require(answer.origins.first)
            #expect(answer.origins.count == 1)
            #expect(origin.url == "http://mirror.example.org:81/o/pip/")
            #expect(origin.origin == "https://user-facing.example.org/")
            #expect(origin.preset == "python")
            #expect(origin.recipes.first?.lines.contains("index-url = http://mirror.example.org:81/o/pip/simple/") == true)
        }
    }

    @Test func `the public URL comes before the host that was asked`() async throws {
        try await MirrorFixture.run(World(), Self.options("https://public.example.org/m")) { mirror in
            let text = try await mirror.get("/clients", [("Host", "mirror.example.org:81")]).text
            #expect(text.contains("index-url = https://public.example.org/m/o/pip/simple/"))
            #expect(!text.contains("mirror.example.org:81"))
        }
    }

    @Test func `a browser is shown a page that loads nothing, other clients text, and neither has a credential`() async throws {
        try await MirrorFixture.run(World(), Self.options()) { mirror in
            let page = try await mirror.get("/clients", [Self.browser])
            #expect(page.status == 200)
            #expect(page["Content-Type"] == "text/html; charset=utf-8")
            PageCheck.expectOwnFilesOnly(page)
            PageCheck.expectAccessible(page.text)
            #expect(page.text.contains("<section id=\"pip\">\n<h2>pip</h2>"))
            let home = try await mirror.get("/", [Self.browser])
            #expect(home.text.contains(#"<a href="clients#pip">pip</a>: pip"#))
            let text = try await mirror.get("/clients")
            #expect(text["Content-Type"] == "text/plain; charset=utf-8")
            #expect(text.text.hasPrefix("pip: https://user-facing.example.org/\n\npip: pip.conf\n\n    [global]\n"))
            #expect(text["Vary"] == "Accept")
            let head = try await mirror.request("HEAD", "/clients")
            #expect(head["Content-Length"] == text["Content-Length"])
            #expect(head.body.isEmpty)
            for answer in [page.text, text.text, try await mirror.get("/v1/clients").text] {
                #expect(!answer.contains("secret") && !answer.contains("X-Key"))
            }
        }
    }

    @Test func `a host that is none does not get into a client's file`() async throws {
        try await MirrorFixture.run(World(), Self.options()) { mirror in
            for host in ["a'b", "a$(b)", "<b>"] {
                let text = try await mirror.get("/clients", [("Host", host)]).text
                #expect(!text.contains(host), "\(host)")
            }
        }
    }

    @Test func `without named origins that is said`() async throws {
        try await MirrorFixture.run { mirror async throws in
            let (text, page) = (try await mirror.get("/clients").text, try await mirror.get("/clients", [Self.browser]).text)
            #expect(text == ClientsText.none + "\n")
            #expect(page.contains(Markup.escape(ClientsText.none)))
        }
    }

    // MARK: Images

    @Test func `clients of images are told that this is a registry, and no origin is asked`() async throws {
        try await MirrorFixture.run { mirror in
            for target in ["/v2/", "/v2"] {
                let answer = try await mirror.get(target)
                #expect(answer.status == 200)
                #expect(answer.text == "{}")
                #expect(answer["Docker-Distribution-Api-Version"] == "registry/2.0")
            }
            #expect(try await mirror.get("/v2/library/alpine/manifests/latest").status == 404)
        }
    }

    @Test(arguments: [
        ("/v2/o/docker/library/a/blobs/sha256:00", "docker/v2/library/a/blobs/sha256:00"), ("/v2/o/docker/", "docker/v2/"),
        ("/v2/o/docker", nil), ("/v2/o/", nil), ("/v2/library/a", nil), ("/o/docker/v2/a", "docker/v2/a"), ("/v1/redirect/x", nil),
    ])
    func `a path before an image's name is that of the named origin`(path: String, rest: String?) {
        #expect(NamedRoutes.rest(of: path).map(String.init) == rest)
    }
}
