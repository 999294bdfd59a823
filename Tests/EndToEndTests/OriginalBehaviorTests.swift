import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// What the original cloud-mirror did, against the origin that its own tests used: httpbin.
    @Suite(.timeLimit(.minutes(1)))
    struct OriginalBehaviorTests {
        private static func settings() throws -> MirrorSettings {
            MirrorSettings(allow: ["\(try TestEnvironment.httpbin())/"])
        }

        @Test(
            "The first request waits for the copy, the second is a hit, and the copy is what the origin serves",
            arguments: ["/ip", "/encoding/utf8", "/stream/5", "/stream-bytes/10240?seed=7&chunk_size=1000", "/redirect/3"])
        func copies(_ path: String) async throws {
            let artifact = try TestEnvironment.httpbin() + path
            try await MirrorProcess.run(try Self.settings()) { mirror in
                let first = try await mirror.redirect(artifact)
                #expect(first.status == 302)
                #expect(first.outcome == "wait")
                #expect(first.headers.first(name: "X-Cloud-Mirror-Pool") == "local/dev")
                #expect(first.headers.first(name: "Cache-Control") == "no-store")
                let body = try first.json(RedirectBody.self)
                #expect(body == RedirectBody(status: "present", url: first.location, msg: nil))
                let copy = try await mirror.follow(first)
                let original = try await HTTP.asMirror(artifact, range: "bytes=0-1048575")
                #expect(copy.status == 200)
                #expect(copy.body == original.body)
                #expect(copy.headers["Content-Type"] == original.headers["Content-Type"])
                #expect(copy.headers.first(name: "Content-Encoding") == nil)

                let second = try await mirror.redirect(artifact)
                #expect(second.status == 302)
                #expect(second.outcome == "hit")
                #expect(second.location == first.location)
                #expect(try second.json(RedirectBody.self) == body)
                #expect(try await mirror.follow(second).body == copy.body)
            }
        }

        private struct RedirectBody: Decodable, Equatable {
            let status: String?
            let url: String?
            let msg: String?
        }

        @Test("With a publicURL every redirect to a copy leads there")
        func usesThePublicURL() async throws {
            let artifact = "\(try TestEnvironment.httpbin())/encoding/utf8"
            var settings = try Self.settings()
            settings.publicURL = "https://mirror.example.org/cache"
            try await MirrorProcess.run(settings) { mirror in
                for outcome in ["wait", "hit", "hit"] {
                    let answer = try await mirror.redirect(artifact)
                    #expect(answer.outcome == outcome)
                    let location = try #require(answer.location)
                    #expect(location.hasPrefix("https://mirror.example.org/cache/local/dev/"))
                    #expect(location.hasSuffix("/utf8"))
                    #expect(try answer.json(RedirectBody.self).url == location)
                }
            }
        }

        @Test("An encoded answer is kept as it came, with its Content-Encoding", arguments: ["gzip", "deflate"])
        func keepsEncodings(_ encoding: String) async throws {
            let artifact = "\(try TestEnvironment.httpbin())/\(encoding)"
            try await MirrorProcess.run(try Self.settings()) { mirror in
                let first = try await mirror.redirect(artifact)
                #expect(first.outcome == "wait")
                let copy = try await mirror.follow(first)
                let original = try await HTTP.asMirror(artifact, range: "bytes=0-1048575")
                #expect(copy.headers["Content-Encoding"] == [encoding])
                #expect(original.headers["Content-Encoding"] == [encoding])
                // The head of a gzip stream holds the time at which it was made (RFC 1952 §2.3.1).
                let stamp = encoding == "gzip" ? 4..<8 : 0..<0
                #expect(copy.body.count == original.body.count)
                #expect(Self.zeroed(stamp, of: copy.body) == Self.zeroed(stamp, of: original.body))
                #expect(try await mirror.redirect(artifact).outcome == "hit")
            }
        }

        private static func zeroed(_ range: Range<Int>, of bytes: [UInt8]) -> [UInt8] {
            bytes.enumerated().map { range.contains($0.offset) ? 0 : $0.element }
        }

        @Test("HEAD of a copy is answered as GET is, without a body")
        func head() async throws {
            let artifact = "\(try TestEnvironment.httpbin())/encoding/utf8"
            try await MirrorProcess.run(try Self.settings()) { mirror in
                let route = "/v1/redirect/local/dev/\(PercentCoding.encode(artifact))"
                _ = try await mirror.redirect(artifact)
                let first = try await mirror.send(.HEAD, route)
                #expect(first.status == 302)
                #expect(first.outcome == "hit")
                #expect(first.body.isEmpty)
                let location = try #require(first.location)
                let head = try await mirror.send(.HEAD, location)
                let get = try await mirror.send(.GET, location)
                #expect(head.status == 200)
                #expect(head.body.isEmpty)
                #expect(head.headers.first(name: "Content-Length") == String(get.body.count))
            }
        }

        @Test(
            "An origin's refusal is passed on and remembered, and nothing is stored",
            arguments: zip(
                [400, 401, 403, 404, 500, 503],
                ["InputError", "AuthenticationFailed", "Forbidden", "ResourceNotFound", "OriginError", "OriginError"]))
        func passesOnRefusals(_ status: Int, _ code: String) async throws {
            let artifact = "\(try TestEnvironment.httpbin())/status/\(status)"
            try await MirrorProcess.run(try Self.settings()) { mirror in
                for _ in 1...2 {
                    let answer = try await mirror.redirect(artifact)
                    #expect(answer.status == status)
                    #expect(answer.outcome == "error")
                    #expect(answer.location == nil)
                    let body = try answer.json(HTTP.ErrorBody.self)
                    #expect(body.code == code)
                    #expect(body.message.contains("\(status)"))
                    #expect(body.msg == body.message)
                    #expect(body.err == "BadHTTPStatus")
                    #expect(body.url == artifact)
                }
                let replica = try #require(try await mirror.replica(artifact))
                #expect(replica.state == "error")
                #expect(replica.error?.reason == "origin")
                #expect(replica.error?.status == status)
                #expect(try await mirror.local(artifact).status == 404)
                #expect(try mirror.objects().isEmpty)
                #expect(try mirror.uploads().isEmpty)
            }
        }

        @Test("What is not on the allow-list is refused with 403, and behind a redirect left to the client")
        func refusesWhatIsNotAllowed() async throws {
            let httpbin = try TestEnvironment.httpbin()
            try await FakeOrigin.run { other in
                other.on("/secret", .text("secret"))
                var settings = MirrorSettings(allow: ["\(httpbin)/redirect-to"])
                settings.negativeLife = "0s"
                try await MirrorProcess.run(settings) { mirror in
                    let direct = try await mirror.redirect("\(httpbin)/ip")
                    #expect(direct.status == 403)
                    #expect(direct.outcome == "refused")
                    let body = try direct.json(HTTP.ErrorBody.self)
                    #expect(body.code == "Forbidden")
                    #expect(body.err == "InvalidUrl")
                    #expect(body.url == "\(httpbin)/ip")
                    #expect(!body.msg.isEmpty)
                    let behind = try await mirror.redirect("\(httpbin)/redirect-to?url=\(PercentCoding.encode(other.url("/secret")))")
                    #expect(behind.status == 302)
                    #expect(behind.outcome == "fallback")
                    #expect(other.requests.isEmpty)
                    #expect(try mirror.objects().isEmpty)
                }
            }
        }

        @Test("With requireHTTPS a plain origin is refused with 403")
        func refusesPlainHTTP() async throws {
            var settings = MirrorSettings(allow: ["https://127.0.0.1/"])
            settings.requireHTTPS = true
            try await MirrorProcess.run(settings) { mirror in
                let answer = try await mirror.redirect("\(try TestEnvironment.httpbin())/ip")
                #expect(answer.status == 403)
                #expect(answer.outcome == "refused")
                #expect(try answer.json(HTTP.ErrorBody.self).message.contains("https"))
            }
        }

        @Test("A URL that is not encoded is an InputError, an unknown pool a ResourceNotFound")
        func refusesBadRequests() async throws {
            let artifact = "\(try TestEnvironment.httpbin())/ip"
            try await MirrorProcess.run(try Self.settings()) { mirror in
                let unencoded = try await mirror.send(.GET, "/v1/redirect/local/dev/\(artifact)")
                #expect(unencoded.status == 400)
                #expect(try unencoded.json(HTTP.ErrorBody.self).code == "InputError")
                for pool in ["local/elsewhere", "s3/us-west-2"] {
                    let unknown = try await mirror.send(.GET, "/v1/redirect/\(pool)/\(PercentCoding.encode(artifact))")
                    #expect(unknown.status == 404)
                    #expect(try unknown.json(HTTP.ErrorBody.self).code == "ResourceNotFound")
                }
            }
        }

        @Test("After a purge the next request copies again")
        func purges() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.txt", .text("one"), .text("two"))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let artifact = origin.url("/a.txt")
                    let one = try await mirror.follow(mirror.redirect(artifact))
                    #expect(one.text == "one")
                    let route = "/v1/purge/local/dev/\(PercentCoding.encode(artifact))"
                    #expect(try await mirror.send(.DELETE, route).status == 401)
                    #expect(try await mirror.redirect(artifact).outcome == "hit")
                    let purged = try await mirror.admin(.DELETE, route)
                    #expect(purged.status == 204)
                    #expect(purged.body.isEmpty)
                    // Whoever was redirected to it before is sent back, to have it copied again.
                    #expect(try await mirror.local(artifact).location?.hasSuffix("?missing=1") == true)
                    #expect(try mirror.objects().isEmpty)
                    let again = try await mirror.redirect(artifact)
                    #expect(again.outcome == "wait")
                    #expect(try await mirror.follow(again).text == "two")
                    #expect(origin.requests(for: "/a.txt").count == 2)
                }
            }
        }

        @Test("Lost state costs no second fetch from the origin")
        func fillsBackLostState() async throws {
            try await FakeOrigin.run { origin in
                let artifacts = (1...3).map { origin.url("/\($0).bin") }
                for number in 1...3 { origin.on("/\(number).bin", .generated(size: 100_000, seed: UInt64(number))) }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    var before: [[UInt8]] = []
                    for artifact in artifacts { before.append(try await mirror.follow(mirror.redirect(artifact)).body) }
                    let fetched = origin.requests.count
                    try await mirror.end(.terminate)
                    #expect(try mirror.directory.removeFiles(in: "state", beginningWith: "state.sqlite") > 0)
                    try await mirror.start()
                    for (artifact, bytes) in zip(artifacts, before) {
                        let answer = try await mirror.redirect(artifact)
                        // Whoever asks first: this request, or the comparison of state and pool at the start.
                        #expect(answer.outcome == "backfill" || answer.outcome == "hit")
                        #expect(try await mirror.follow(answer).body == bytes)
                    }
                    #expect(origin.requests.count == fetched)
                }
            }
        }

        @Test("A copy that takes longer than the request waits is a redirect to the origin, and a hit later")
        func fallsBack() async throws {
            let artifact = "\(try TestEnvironment.httpbin())/delay/2"
            try await MirrorProcess.run(try Self.settings()) { mirror in
                let answer = try await mirror.redirect(artifact, wait: 1)
                #expect(answer.status == 302)
                #expect(answer.outcome == "fallback")
                #expect(answer.location == artifact)
                let body = try answer.json(RedirectBody.self)
                #expect(body.url == artifact)
                #expect(body.status == nil)
                #expect(body.msg?.hasPrefix("Cached copy did not show up in") == true)
                let later = try await mirror.redirect(artifact, wait: 10)
                #expect(later.outcome == "wait")
                #expect(try await mirror.follow(later).text.contains("/delay/2"))
                #expect(try await mirror.redirect(artifact).outcome == "hit")
            }
        }

        private struct Reference: Decodable {
            let version: Int
            let baseUrl: String
            let entries: [Entry]

            struct Entry: Decodable {
                let type, method, route, name, title, description, stability: String
                let args: [String]
            }
        }

        @Test("A client that builds its calls from the API reference finds the pool's copy, and what it purges is gone")
        func describesItself() async throws {
            let artifact = "\(try TestEnvironment.httpbin())/encoding/utf8"
            try await MirrorProcess.run(try Self.settings()) { mirror in
                let reference = try await mirror.send(.GET, "/v1/api-reference").json(Reference.self)
                #expect(reference.version == 0)
                #expect(reference.baseUrl.hasSuffix("/v1"))
                let values = ["service": "local", "region": "dev", "url": PercentCoding.encode(artifact)]
                func call(_ name: String) throws -> String {
                    let entry = try #require(reference.entries.first { $0.name == name })
                    #expect(entry.type == "function")
                    #expect(entry.args == ["service", "region", "url"])
                    #expect(entry.stability == "stable")
                    return reference.baseUrl
                        + entry.args.reduce(entry.route) { $0.replacing("<\($1)>", with: values[$1] ?? "") }
                }
                let answer = try await HTTP.send(.GET, try call("redirect"))
                #expect(answer.status == 302)
                #expect(answer.outcome == "wait")
                let purged = try await HTTP.send(.DELETE, try call("purge"), headers: ["Authorization": "Bearer \(mirror.token)"])
                #expect(purged.status == 204)
                #expect(try mirror.objects().isEmpty)
            }
        }
    }
}
