import Foundation
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(1)))
    struct SignedURLTests {
        /// One URL of each form, of which `#` is what changes with each signature.
        private static let forms = [
            "X-Amz-Date=A#&X-Amz-Expires=300&X-Amz-Signature=s3cret#",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=c#&X-Amz-Date=d#&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Security-Token=t#&x-id=GetObject&X-Amz-Signature=s3cret#",
            "AWSAccessKeyId=a&Expires=#&Signature=s3cret#",
            "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=c&X-Goog-Date=#&X-Goog-Expires=900&X-Goog-SignedHeaders=host&X-Goog-Signature=s3cret#",
            "GoogleAccessId=a&Expires=#&Signature=s3cret#",
            "sv=2022-11-02&se=2026-01-0#&sr=b&sp=r&sig=s3cret#",
            "sp=r&sv=2018-11-09&sr=b&spr=https&se=#&skoid=a&sktid=b&skt=#&ske=#&sks=b&skv=2018-11-09&sig=s3cret#&jwt=j#",
            "Expires=#&Signature=s3cret#&Key-Pair-Id=K", "Policy=p#&Signature=s3cret#&Key-Pair-Id=K&Hash-Algorithm=SHA256",
            "Expires=#&KeyName=k&Signature=s3cret#", "OSSAccessKeyId=a&Expires=#&Signature=s3cret#",
            "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=c&x-oss-date=#&x-oss-expires=9&x-oss-signature=s3cret#",
            "q-sign-algorithm=sha1&q-ak=a&q-sign-time=#&q-key-time=#&q-header-list=&q-url-param-list=&q-signature=s3cret#",
            "temp_url_sig=s3cret#&temp_url_expires=#",
        ]

        /// Two parts.
        private static let size: Int64 = 1_500_000

        private static func query(_ form: String, _ number: Int) -> String { form.replacing("#", with: "\(number)") }

        @Test("A URL that is signed anew each time is fetched once, and its signature stands nowhere")
        func isOneArtifact() async throws {
            try await FakeOrigin.run { origin in
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    for (number, form) in Self.forms.enumerated() {
                        let path = "/obj-\(number).bin"
                        origin.on(path, .generated(size: Self.size, seed: UInt64(number)))
                        let first = try await mirror.redirect(origin.url("\(path)?\(Self.query(form, 1))"))
                        #expect(first.outcome == "wait", "\(form)")
                        for signature in 2...3 {
                            let again = try await mirror.redirect(origin.url("\(path)?\(Self.query(form, signature))"))
                            #expect(again.outcome == "hit", "\(form)")
                            #expect(again.location == first.location)
                        }
                        // All parts of one copy, with the one signature.
                        let requests = origin.requests(for: path)
                        #expect(requests.allSatisfy { $0.uri == "\(path)?\(Self.query(form, 1))" }, "\(form)")
                        #expect(requests.count == 2, "\(form)")
                        #expect(
                            try await mirror.follow(first).body
                                == FakeBehavior.generated(size: Self.size, seed: UInt64(number)).body.bytes(0..<Self.size))
                        let replica = try #require(try await mirror.replica(origin.url("\(path)?\(Self.query(form, 4))")))
                        #expect(replica.url == origin.url(path))
                    }
                    let listing = try await mirror.admin(.GET, "/v1/replicas?limit=1000")
                    let metrics = try await mirror.send(.GET, "/metrics")
                    for text in [listing.text, metrics.text, mirror.log] { #expect(!text.contains("s3cret")) }
                    for file in try mirror.directory.files(in: "").filter({ !$0.hasSuffix("config.yaml") }) {
                        #expect(Data(try mirror.directory.read(file)).range(of: Data("s3cret".utf8)) == nil, "\(file)")
                    }
                    // With any signature, or none.
                    for (number, form) in Self.forms.enumerated() {
                        let suffix = number % 2 == 0 ? "" : "?\(Self.query(form, 5))"
                        let artifact = PercentCoding.encode(origin.url("/obj-\(number).bin\(suffix)"))
                        #expect(try await mirror.admin(.DELETE, "/v1/purge/local/dev/\(artifact)").status == 204)
                    }
                    #expect(try mirror.objects().isEmpty)
                }
            }
        }

        @Test("Parameters that name the bytes stay in the name, and so do honest ones with the names of a signature's")
        func keepsHonestParameters() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin") { .text($0.uri) }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    for pair in [
                        ["Expires=1", "Expires=2"], ["sig=1", "sig=2"], ["se=1&sp=2", "se=2&sp=2"],
                        ["Signature=1&Expires=2", "Signature=2&Expires=2"],
                        ["versionId=1&X-Amz-Signature=s", "versionId=2&X-Amz-Signature=s"],
                        ["generation=1&X-Goog-Signature=s", "generation=2&X-Goog-Signature=s"],
                        ["response-content-disposition=a&sv=1&sig=s", "response-content-disposition=b&sv=1&sig=s"],
                    ] {
                        for query in pair {
                            let answer = try await mirror.redirect(origin.url("/a.bin?\(query)"))
                            #expect(answer.outcome == "wait", "\(query)")
                            #expect(try await mirror.follow(answer).text == "/a.bin?\(query)")
                        }
                    }
                }
            }
        }

        @Test("A client that is sent to the origin is sent there with its own signature")
        func fallsBackToItsOwnURL() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", FakeBehavior.text("hello").with { $0.gate = gate })
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    for number in 1...3 {
                        let artifact = origin.url("/a.bin?X-Amz-Date=\(number)&X-Amz-Signature=s\(number)")
                        let answer = try await mirror.redirect(artifact, wait: 0)
                        #expect(answer.outcome == "fallback")
                        #expect(answer.location == artifact)
                    }
                    gate.open()
                    let answer = try await mirror.redirect(origin.url("/a.bin?X-Amz-Signature=s4"))
                    #expect(try await mirror.follow(answer).text == "hello")
                    #expect(origin.requests.count == 1)
                }
            }
        }

        @Test("An origin that refuses the first signature and takes the second: the second client gets its copy at once")
        func takesTheSecond() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin") { $0.uri.contains("Signature=s2") ? .text("hello") : .status(403) }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let ended = origin.url("/a.bin?X-Amz-Date=1&X-Amz-Signature=s1")
                    let refused = try await mirror.redirect(ended)
                    // It hears from the origin itself what that thinks of its signature.
                    #expect(refused.outcome == "fallback")
                    #expect(refused.location == ended)
                    let answer = try await mirror.redirect(origin.url("/a.bin?X-Amz-Date=2&X-Amz-Signature=s2"))
                    #expect(answer.outcome == "wait")
                    #expect(try await mirror.follow(answer).text == "hello")
                    #expect(origin.requests.count { $0.uri.contains("Signature=s2") } == 1)
                }
            }
        }

        @Test("A copy that a crash interrupted has lost its signature; the next client's is as good")
        func survivesACrash() async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin") { request in
                    if request.uri.contains("Signature=s1") { return FakeBehavior.text("hello").with { $0.gate = gate } }
                    return request.uri.contains("Signature=s2") ? .text("hello") : .status(403)
                }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    #expect(try await mirror.redirect(origin.url("/a.bin?X-Amz-Signature=s1"), wait: 0).outcome == "fallback")
                    _ = try await origin.request(1, for: "/a.bin")
                    try await mirror.restart(after: .kill)
                    try await eventually("the copy fails") { try await mirror.replica(origin.url("/a.bin"))?.error?.status == 403 }
                    let answer = try await mirror.redirect(origin.url("/a.bin?X-Amz-Signature=s2"))
                    #expect(answer.outcome == "wait")
                    #expect(try await mirror.follow(answer).text == "hello")
                }
                gate.open()
            }
        }

        @Test("`query` of the rule that allows a URL says what of it is in the name")
        func followsTheRules() async throws {
            try await FakeOrigin.run { origin in
                for folder in ["keep", "drop", "pattern", "other"] { origin.on("/\(folder)/a.bin") { .text($0.uri) } }
                let settings = MirrorSettings(allow: [
                    "{prefix: \"\(origin.url("/keep/"))\", query: keep}", "{prefix: \"\(origin.url("/drop/"))\", query: drop}",
                    "{pattern: '^\(origin.url("/pattern/").replacing(".", with: "\\."))', query: drop}", "{prefix: \"\(origin.url("/"))\"}",
                ])
                try await MirrorProcess.run(settings) { mirror async throws in
                    func outcomes(_ folder: String, _ queries: String...) async throws -> [String?] {
                        var outcomes: [String?] = []
                        for query in queries { outcomes.append(try await mirror.redirect(origin.url("/\(folder)/a.bin?\(query)")).outcome) }
                        return outcomes
                    }
                    #expect(
                        try await outcomes("keep", "X-Amz-Signature=1", "X-Amz-Signature=2", "X-Amz-Signature=1") == [
                            "wait", "wait", "hit",
                        ])
                    #expect(try await outcomes("drop", "token=1", "token=2&a=b", "") == ["wait", "hit", "hit"])
                    #expect(try await outcomes("pattern", "token=1", "token=2") == ["wait", "hit"])
                    #expect(
                        try await outcomes("other", "token=1", "token=2", "X-Amz-Signature=1", "X-Amz-Signature=2") == [
                            "wait", "wait", "wait", "hit",
                        ])
                    #expect(origin.requests(for: "/drop/a.bin").map(\.uri) == ["/drop/a.bin?token=1"])
                    #expect(try await mirror.replica(origin.url("/drop/a.bin?token=3"))?.url == origin.url("/drop/a.bin"))
                }
            }
        }

        @Test("Warming with a signed URL fetches with its signature, and the answer does not repeat it")
        func warms() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin") { $0.uri.contains("?") ? .text("hello") : .status(403) }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let answer = try await mirror.admin(
                        .POST, "/v1/warm", body: #"{"urls":["\#(origin.url("/a.bin?X-Amz-Date=1&X-Amz-Signature=s3cret"))"]}"#)
                    #expect(answer.status == 202)
                    #expect(!answer.text.contains("s3cret"))
                    try await eventually("it is copied") { try await mirror.replica(origin.url("/a.bin"))?.state == "present" }
                }
            }
        }

        @Test("No error repeats a signature, however its URL was written")
        func keepsErrorsSilent() async throws {
            try await MirrorProcess.run(MirrorSettings(allow: ["http://127.0.0.1:9/allowed/"])) { mirror in
                let url = "http://127.0.0.1:9/other/a.bin?X-Amz-Date=1&X-Amz-Signature=s3cret"
                let encoded = PercentCoding.encode(url)
                let base64 = Base64.encode(Array(url.utf8)).replacing("+", with: "-").replacing("/", with: "_")
                for segment in [encoded, encoded.lowercased(), base64, PercentCoding.encode(encoded), "ftp" + encoded.dropFirst(4)] {
                    for route in ["/v1/redirect/local/dev/", "/v1/redirect/local/nowhere/", "/v1/redirect/"] {
                        let answer = try await mirror.send(.GET, route + segment)
                        #expect((400...404).contains(answer.status))
                        #expect(!answer.text.contains("s3cret") && !answer.text.contains(base64), "\(answer.text)")
                    }
                }
                #expect(!mirror.log.contains("s3cret"))
            }
        }
    }
}
