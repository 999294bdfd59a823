import MirrorCore
import MirrorNet
import MirrorSettings
import MirrorTesting
import NIOCore
import TestServers
import Testing

@testable import NamedOrigins

@Suite(.timeLimit(.minutes(5))) struct UpstreamTokensTests {
    /// A registry whose tokens are named after what they are for, and after how many were given before.
    private static func registry(_ scene: PageScene, realm: String = "auth.example", answer: String? = nil) -> (
        PageScene, @Sendable () -> Int
    ) {
        var scene = scene
        scene.named = NamedOrigin(name: "hub", url: scene.named.url, exchangesTokens: true)
        let port = scene.origin.port
        scene.origin.on(everything: { request in
            let repository = request.path.hasPrefix("/v2/a/") ? "a" : "b"
            guard request.header("Authorization")?.hasPrefix("Bearer repository:\(repository):pull") == true else {
                return .status(401, "no").with {
                    $0.headers.append(
                        (
                            "WWW-Authenticate",
                            "Bearer realm=\"http://\(realm):\(port)/token?x=1\",service=\"the hub\",scope=\"repository:\(repository):pull\""
                        ))
                }
            }
            return .text("content of \(request.path)", etag: nil)
        })
        scene.origin.on("/token") { request in
            let scope = request.uri.contains("repository%3Aa%3Apull") ? "a" : "b"
            return .text(answer ?? "{\"token\":\"repository:\(scope):pull-\(request.number)\",\"expires_in\":300}", etag: nil)
        }
        let origin = scene.origin
        return (scene, { origin.requests(for: "/token").count })
    }

    private static func get(_ path: String, _ scene: PageScene) async throws -> (status: Int, text: String) {
        let response = try await scene.upstream.send(
            OutboundRequest(.get, try ArtifactURL(scene.origin.url(path))), to: scene.named, authorization: nil)
        var bytes: [UInt8] = []
        for try await chunk in response.body { bytes.append(contentsOf: chunk.readableBytesView) }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    @Test("A registry that asks for a token gets one, which is kept for that repository until it expires")
    func exchange() async throws {
        try await PageScene.run { scene async throws in
            let (scene, tokens) = Self.registry(scene)
            #expect(try await Self.get("/v2/a/manifests/latest", scene).text == "content of /v2/a/manifests/latest")
            #expect(scene.origin.requests.map(\.path) == ["/v2/a/manifests/latest", "/token", "/v2/a/manifests/latest"])
            #expect(scene.origin.requests[1].uri == "/token?x=1&service=the%20hub&scope=repository%3Aa%3Apull")
            #expect(scene.origin.requests[1].header("Authorization") == nil)
            #expect(scene.origin.requests[1].header("Host") == "auth.example:\(scene.origin.port)")
            #expect(scene.origin.requests[2].header("Authorization") == "Bearer repository:a:pull-1")

            #expect(try await Self.get("/v2/a/blobs/sha256:0", scene).status == 200)
            #expect(scene.origin.requests.count == 4)
            #expect(try await Self.get("/v2/b/tags/list", scene).status == 200)
            #expect(tokens() == 2)

            // Ten seconds before it expires it is replaced, without being refused first.
            scene.clock.advance(by: .seconds(289))
            _ = try await Self.get("/v2/a/manifests/latest", scene)
            #expect(tokens() == 2)
            scene.clock.advance(by: .seconds(1))
            let before = scene.origin.requests.count
            #expect(try await Self.get("/v2/a/manifests/latest", scene).status == 200)
            #expect(scene.origin.requests.count == before + 2)
            #expect(tokens() == 3)
            #expect(!scene.log.all.contains { $0.contains("pull-") })
        }
    }

    @Test("A token that is refused is replaced once; after that the refusal counts")
    func refusedToken() async throws {
        try await PageScene.run { scene async throws in
            let (scene, tokens) = Self.registry(scene, answer: "{\"access_token\":\"wrong\"}")
            #expect(try await Self.get("/v2/a/manifests/latest", scene).status == 401)
            #expect(scene.origin.requests.count == 3)
            #expect(try await Self.get("/v2/a/manifests/latest", scene).status == 401)
            #expect(tokens() == 2)
        }
    }

    @Test(
        "A service that gives no token is of no help",
        arguments: [
            "", "{}", "[]", "{\"token\":\"\"}", "{\"token\":\"a\\r\\nb\"}", "{\"token\":7}",
            "{\"token\":\"\(String(repeating: "a", count: 20_000))\"}",
            "{\"token\":\"repository:a:pull-1\",\"other\":\"\(String(repeating: "a", count: 70_000))\"}",
            String(repeating: "[", count: 513),
        ])
    func noToken(_ answer: String) async throws {
        try await PageScene.run { scene async throws in
            let (scene, _) = Self.registry(scene, answer: answer)
            #expect(try await Self.get("/v2/a/manifests/latest", scene).status == 401)
            #expect(scene.origin.requests.count == 2)
        }
    }

    @Test("Many who need the same token share one")
    func shared() async throws {
        try await PageScene.run { scene async throws in
            let (scene, tokens) = Self.registry(scene)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 { group.addTask { try await Self.get("/v2/a/blobs/sha256:\(number)", scene).status } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(tokens() <= 2)
        }
    }

    @Test("The operator's credentials go to a token service only on the registry's own host, or on one that the named origin lists")
    func credentials() async throws {
        for (realm, links, isShown) in [("127.0.0.1", false, true), ("auth.example", false, false), ("auth.example", true, true)] {
            try await PageScene.run { scene async throws in
                var (scene, _) = Self.registry(scene, realm: realm)
                scene.named = NamedOrigin(
                    name: "hub", url: scene.named.url, credentials: .basic(user: "me", password: Secret("pass")), exchangesTokens: true,
                    links: links ? [LinkTarget(try ArtifactURL("http://\(realm):\(scene.origin.port)/"))] : [])
                #expect(try await Self.get("/v2/a/manifests/latest", scene).status == 200)
                #expect(
                    scene.origin.requests.map { $0.header("Authorization") } == [
                        "Basic bWU6cGFzcw==", isShown ? "Basic bWU6cGFzcw==" : nil, "Bearer repository:a:pull-1",
                    ])
            }
        }
    }

    @Test(
        "A host that the registry has redirected to gets neither the operator's credentials nor a token for them by asking for a token itself",
        arguments: ["files.example", "127.0.0.1"])
    func redirectedTo(_ realm: String) async throws {
        try await PageScene.run { scene async throws in
            var (scene, tokens) = Self.registry(scene, realm: realm)
            scene.named = NamedOrigin(
                name: "hub", url: scene.named.url, credentials: .basic(user: "me", password: Secret("pass")), exchangesTokens: true)
            // As the second part of an artifact is asked for: at once where the first came from.
            let response = try await scene.upstream.send(
                OutboundRequest(.get, try ArtifactURL("http://files.example:\(scene.origin.port)/v2/a/blobs/x")), to: scene.named,
                authorization: nil)
            #expect(response.status == 200)
            #expect(tokens() == 1)
            #expect(scene.origin.requests.map { $0.header("Authorization") } == [nil, nil, "Bearer repository:a:pull-1"])
        }
    }

    @Test("A token service that may not be fetched from, or is no URL, is not asked", arguments: ["other.example", "[broken"])
    func forbiddenService(_ realm: String) async throws {
        try await PageScene.run { scene async throws in
            let (scene, tokens) = Self.registry(scene, realm: realm)
            #expect(try await Self.get("/v2/a/manifests/latest", scene).status == 401)
            #expect(tokens() == 0)
        }
    }

    @Test("A token service of an https registry must be https")
    func plainService() async throws {
        try await PageScene.run { scene async throws in
            let (scene, tokens) = Self.registry(scene)
            let token = try await scene.tokens.token(
                challenged: ["Bearer realm=\"http://auth.example:\(scene.origin.port)/token\""],
                by: try ArtifactURL("https://registry.example/v2/a/tags/list"),
                of: scene.named, refused: nil)
            #expect(token == nil)
            #expect(tokens() == 0)
        }
    }

    @Test("Neither credentials nor tokens follow a redirect to another host")
    func redirects() async throws {
        try await PageScene.run { scene async throws in
            var scene = scene
            scene.named = NamedOrigin(name: "index", url: scene.named.url, credentials: .field(name: "X-Api-Key", value: Secret("k3y")))
            scene.origin.on("/a", .redirect(to: "http://files.example:\(scene.origin.port)/b"))
            scene.origin.on("/b", .redirect(to: scene.origin.url("/c")))
            scene.origin.on("/c", .text("content"))
            #expect(try await Self.get("/a", scene).text == "content")
            #expect(scene.origin.requests.map { $0.header("X-Api-Key") } == ["k3y", nil, nil])
        }
    }

    @Test("Credentials are for the named origin's own host, not for those that it links to")
    func otherHosts() async throws {
        try await PageScene.run { scene async throws in
            let named = NamedOrigin(
                name: "index", url: scene.named.url, credentials: .bearer(Secret("t0ken")),
                links: [LinkTarget(try ArtifactURL("http://files.example:\(scene.origin.port)/"))])
            scene.origin.on("/a", .text("content"))
            for host in ["files.example", "127.0.0.1"] {
                _ = try await scene.upstream.send(
                    OutboundRequest(.get, try ArtifactURL("http://\(host):\(scene.origin.port)/a")), to: named, authorization: Secret("own")
                )
            }
            #expect(scene.origin.requests.map { $0.header("Authorization") } == [nil, "Bearer t0ken"])
        }
    }

    @Test("Credentials are for the named origin's own scheme and port, not for others of its host")
    func otherPorts() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("content"))
            let (port, otherPort) = (scene.origin.port, scene.origin.port % 65_535 + 1)
            for url in ["http://127.0.0.1:\(otherPort)/", "https://127.0.0.1:\(port)/", "http://127.0.0.1:\(port)/"] {
                let named = NamedOrigin(name: "index", url: try ArtifactURL(url), credentials: .bearer(Secret("t0ken")))
                _ = try await scene.upstream.send(
                    OutboundRequest(.get, try ArtifactURL(scene.origin.url("/a"))), to: named, authorization: nil)
            }
            #expect(scene.origin.requests.map { $0.header("Authorization") } == [nil, nil, "Bearer t0ken"])
        }
    }
}
