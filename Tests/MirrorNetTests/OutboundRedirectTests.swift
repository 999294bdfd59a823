import MirrorCore
import TestServers
import Testing

@testable import MirrorNet

@Suite(.timeLimit(.minutes(5))) struct OutboundRedirectTests {
    @Test("A redirect is followed and the chain recorded", arguments: [301, 302, 303, 307, 308])
    func follows(_ status: Int) async throws {
        try await NetFixture.run { fixture async throws in
            let last = try fixture.url("/c/file?x=1", host: "other.example")
            fixture.origin.on("/a", .redirect(to: "b/../b", status: status))
            fixture.origin.on("/b", .redirect(to: last.description + "#fragment", status: status))
            fixture.origin.on("/c/file", .text("here"))
            let response = try await fixture.get("/a", headers: [("Range", "bytes=0-1")])
            #expect(response.status == 206)
            #expect(response.url == last)
            #expect(response.addresses == [try fixture.url("/a"), try fixture.url("/b"), last])
            #expect(try await response.body.text() == "he")
            // Each hop is resolved once.
            #expect(fixture.resolver.questions == ["origin.example", "origin.example", "other.example"])
            #expect(try await fixture.origin.request(for: "/c/file").header("Host") == "other.example:\(fixture.origin.port)")
        }
    }

    @Test func headStaysHead() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .redirect(to: "/b", status: 303))
            fixture.origin.on("/b", .text("here"))
            let response = try await fixture.client.send(OutboundRequest(.head, try fixture.url("/a")))
            #expect(response.contentLength == 4)
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "HEAD"])
        }
    }

    @Test func aLoopEnds() async throws {
        try await NetFixture.run(maxRedirects: 4) { fixture async throws in
            fixture.origin.on("/a", .redirect(to: "/b"))
            fixture.origin.on("/b", .redirect(to: "/a"))
            #expect(try await fixture.failure("/a") == .tooManyRedirects)
            #expect(fixture.origin.requests.count == 5)
        }
    }

    @Test func theLongestChainThatIsAllowedIsFollowed() async throws {
        try await NetFixture.run(maxRedirects: 3) { fixture async throws in
            for number in 0..<3 { fixture.origin.on("/\(number)", .redirect(to: "/\(number + 1)")) }
            fixture.origin.on("/3", .text("end"))
            #expect(try await fixture.get("/0").addresses.count == 4)
        }
        try await NetFixture.run(maxRedirects: 0) { fixture async throws in
            fixture.origin.on("/0", .redirect(to: "/1"))
            #expect(try await fixture.failure("/0") == .tooManyRedirects)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test(
        "A redirect to no artifact URL is bad",
        arguments: [
            "ftp://origin.example/", "javascript:alert(1)", "http://user@origin.example/", "http://0x7f.1/", "http:///a", "//",
            "\\\\evil.example\\a", "http://[::1", "%",
            "http://2130706433/", "/a\u{1}b",
        ])
    func badLocation(_ location: String) async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .redirect(to: location))
            #expect(try await fixture.failure("/a").map { [.badRedirect, .protocolError].contains($0) } == true)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func aRedirectNeedsOneLocation() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/none", .status(302))
            fixture.origin.on("/two", .redirect(to: "/a").with { $0.headers.append(("Location", "/b")) })
            fixture.origin.on("/same", .redirect(to: "/a").with { $0.headers.append(("location", "/a")) })
            #expect(try await fixture.failure("/none") == .badRedirect)
            #expect(try await fixture.failure("/two") == .badRedirect)
            let same = try await fixture.get("/same")
            #expect(same.url == (try fixture.url("/a")))
        }
    }

    @Test(
        "A redirect to what the policy refuses is refused before a connection is made",
        arguments: [
            ("http://unlisted.example/", .notListed, "unlisted.example"), ("http://127.0.0.1:1/", .notListed, "127.0.0.1:1"),
            ("http://localhost/", .notListed, "localhost"), ("https://origin.example/", .notListed, "origin.example"),
            ("http://169.254.169.254/latest/", .metadata, nil), ("http://10.0.0.1/", .privateUse, nil),
            ("http://[::1]:8080/", .loopback, nil),
        ] as [(String, EgressRefusal.Reason, String?)])
    func refused(_ location: String, _ reason: EgressRefusal.Reason, followedByClients host: String?) async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .redirect(to: location))
            let code = try await fixture.failure("/a")
            #expect(code?.refusal == reason)
            #expect(code?.refusedHost == host)
            #expect(fixture.resolver.questions == ["origin.example"], "nothing is even resolved")
        }
    }

    @Test func aChainToAPrivateAddressIsRefused() async throws {
        let resolver = StaticResolver(["origin.example": [["127.0.0.1"]], "other.example": [["8.8.8.8", "10.0.0.1"]]])
        try await NetFixture.run(resolver: resolver) { fixture async throws in
            fixture.origin.on("/a", .redirect(to: try fixture.url("/b", host: "other.example").description))
            #expect(try await fixture.failure("/a")?.refusal == .privateUse)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test func aChainFromHTTPToMetadataIsRefusedByAddress() async throws {
        try await FakeOrigin.run { origin async throws in
            // A rule that allows every host, and http: only the guard is left.
            let policy = try EgressPolicy(
                allow: [.anyPublic, .prefix(try ArtifactURL(origin.url("/")))], requireHTTPS: false,
                allowAddresses: [try #require(IPNetwork("127.0.0.1"))])
            let resolver = StaticResolver(["rebound.example": [["169.254.169.254"]], "mapped.example": [["::ffff:169.254.169.254"]]])
            origin.on("/name", .redirect(to: "http://metadata.google.internal/computeMetadata/v1/"))
            origin.on("/address", .redirect(to: "http://169.254.169.254/latest/meta-data/"))
            origin.on("/six", .redirect(to: "http://[::ffff:a9fe:a9fe]/"))
            origin.on("/rebound", .redirect(to: "http://rebound.example/"))
            origin.on("/mapped", .redirect(to: "http://mapped.example/"))
            try await withClient(policy, resolver) { client async throws in
                for path in ["/address", "/six", "/rebound", "/mapped"] {
                    let error = await #expect(throws: OutboundError.self) {
                        try await client.send(OutboundRequest(.get, try ArtifactURL(origin.url(path))))
                    }
                    #expect(error?.code.refusal == .metadata, "\(path)")
                }
                // Allowed networks make the name alone no reason; that it does not resolve is one.
                await #expect(throws: OutboundError.self) {
                    try await client.send(OutboundRequest(.get, try ArtifactURL(origin.url("/name"))))
                }
            }
        }
    }

    @Test func credentialsDoNotLeaveTheirOrigin() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .redirect(to: "/b"))
            fixture.origin.on("/b", .redirect(to: try fixture.url("/c", host: "other.example").description))
            fixture.origin.on("/c", .redirect(to: try fixture.url("/d").description))
            fixture.origin.on("/d", .text("end"))
            let headers = [("Authorization", "Bearer secret"), ("cookie", "a=b"), ("Range", "bytes=0-")]
            _ = try await fixture.get("/a", headers: headers)
            let seen = fixture.origin.requests
            #expect(seen.map { $0.header("Authorization") } == ["Bearer secret", "Bearer secret", nil, nil])
            #expect(seen.map { $0.header("Cookie") } == ["a=b", "a=b", nil, nil])
            #expect(seen.allSatisfy { $0.header("Range") == "bytes=0-" })
        }
    }

    @Test func credentialsDoNotFollowToAnotherPortOfTheirHost() async throws {
        try await FakeOrigin.run { origin async throws in
            try await FakeOrigin.run { other async throws in
                origin.on("/a", .redirect(to: other.url("/b")))
                other.on("/b", .text("end"))
                let policy = try EgressPolicy(
                    allow: [origin, other].map { .prefix(try ArtifactURL($0.url("/"))) }, requireHTTPS: false,
                    allowAddresses: [try #require(IPNetwork("127.0.0.1"))])
                let request = OutboundRequest(
                    .get, try ArtifactURL(origin.url("/a")), headers: [("Authorization", "Bearer secret"), ("Cookie", "a=b")],
                    credentials: [("X-Api-Key", "secret")])
                try await withClient(policy, StaticResolver([:])) { client async throws in
                    #expect(try await client.send(request).body.text() == "end")
                }
                for name in ["Authorization", "Cookie", "X-Api-Key"] {
                    #expect(origin.requests.map { $0.header(name) != nil } == [true], "\(name)")
                    #expect(other.requests.map { $0.header(name) != nil } == [false], "\(name)")
                }
            }
        }
    }

    @Test func theBodyOfARedirectDoesNotMatter() async throws {
        try await NetFixture.run { fixture async throws in
            let gate = FakeGate()
            fixture.origin.on("/large", .redirect(to: "/a").with { $0.body = .generated(size: 1 << 40, seed: 1) })
            fixture.origin.on(
                "/chunked",
                .redirect(to: "/a").with {
                    $0.framing = .chunked
                    $0.body = .generated(size: 1 << 40, seed: 1)
                })
            fixture.origin.on(
                "/truncated",
                .redirect(to: "/a").with {
                    $0.body = .bytes([1, 2, 3])
                    $0.truncateAfter = 1
                })
            fixture.origin.on("/a", .text("here"))
            for path in ["/large", "/chunked", "/truncated"] {
                #expect(try await fixture.get(path).body.text() == "here", "\(path)")
            }
            gate.open()
        }
    }

    @Test func aRedirectWithOneSlotDoesNotWaitForItself() async throws {
        try await NetFixture.run(configuration: .testing { $0.connectionsPerOrigin = 1 }) { fixture async throws in
            fixture.origin.on("/a", .redirect(to: "/b").with { $0.body = .generated(size: 1 << 30, seed: 1) })
            fixture.origin.on("/b", .text("here"))
            #expect(try await fixture.get("/a").body.text() == "here")
        }
    }
}
