import MirrorCore
import TestServers
import Testing

extension EndToEnd {
    /// Answers of origins that are not copied: clients get them where they would without the mirror.
    @Suite(.timeLimit(.minutes(1)))
    struct OriginAnswerTests {
        private func curl(_ mirror: MirrorProcess, _ artifact: String) async throws -> Command.Result {
            try await Client.run(["curl", "-sSfL", "\(mirror.url)/v1/redirect/local/dev/\(PercentCoding.encode(artifact))"])
        }

        @Test("A redirect to a host that is not allowed is left to the client, and the operator is told of the host once")
        func redirect() async throws {
            try await FakeOrigin.run { origin in
                try await FakeOrigin.run { other in
                    for name in ["a", "b"] {
                        origin.on("/\(name)", .redirect(to: other.url("/\(name)")))
                        other.on("/\(name)", .text("elsewhere"))
                    }
                    try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                        for name in ["a", "b"] {
                            let answer = try await mirror.redirect(origin.url("/\(name)"))
                            #expect(answer.status == 302)
                            #expect(answer.outcome == "fallback")
                            #expect(answer.location == origin.url("/\(name)"))
                            let isUntouched = other.requests.count { $0.path == "/\(name)" } == 0
                            #expect(isUntouched)
                            let got = try await curl(mirror, origin.url("/\(name)"))
                            #expect(got.output.hasPrefix("elsewhere"), "\(got.errors)")
                            #expect(try await mirror.replica(origin.url("/\(name)"))?.error?.reason == "redirect")
                        }
                        let host = "127.0.0.1:\(other.port)"
                        #expect(try await mirror.metric("cloud_mirror_refused_redirects_total", "host=\"\(host)\"") == 2)
                        let lines = mirror.log.split(separator: "\n").filter { $0.contains("add the host to origins.allow") }
                        #expect(lines.count == 1)
                        #expect(lines.first?.contains(host) == true)
                    }
                }
            }
        }

        @Test("A redirect to an address that the guard refuses is refused")
        func address() async throws {
            try await FakeOrigin.run { origin in
                for (number, url) in ["http://169.254.169.254/latest/", "http://10.0.0.1/", "http://[fd00::1]/"].enumerated() {
                    origin.on("/\(number)", .redirect(to: url))
                }
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    for number in 0..<3 {
                        let answer = try await mirror.redirect(origin.url("/\(number)"))
                        #expect(answer.status == 403)
                        #expect(answer.outcome == "refused")
                    }
                }
            }
        }

        @Test("A login page under the name of an archive is not kept: the client asks the origin, which may have the archive by then")
        func page() async throws {
            try await FakeOrigin.run { origin in
                let page = FakeBehavior.text("<html>sign in</html>").with { $0.headers = [("Content-Type", "text/html; charset=utf-8")] }
                origin.on("/a.tar.gz", page, .text("the archive"))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let got = try await curl(mirror, origin.url("/a.tar.gz"))
                    #expect(got.output.hasPrefix("the archive"), "\(got.errors)")
                    #expect(try await mirror.replica(origin.url("/a.tar.gz"))?.error?.reason == "content")
                    #expect(try mirror.objects().isEmpty)
                    #expect(try await mirror.metric("cloud_mirror_errors_total", "kind=\"copy.content\"") == 1)
                }
            }
        }

        @Test(
            "A status below 100 ends nothing: the client goes to the origin, and the mirror and its next start serve on",
            arguments: ["007", "000", "099"])
        func lowStatus(status: String) async throws {
            try await FakeOrigin.run { origin in
                let answer = Array("HTTP/1.1 \(status) OK\r\nContent-Length: 0\r\n\r\n".utf8)
                origin.on("/bond", FakeBehavior().with { $0.raw = answer })
                origin.on("/good", .text("good"))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    let fallback = try await mirror.redirect(origin.url("/bond"))
                    #expect(fallback.status == 302)
                    #expect(fallback.outcome == "fallback")
                    #expect(try await mirror.follow(try await mirror.redirect(origin.url("/good"))).text == "good")
                    let get = try await Command.run(
                        ["get", origin.url("/bond"), "--mirror", mirror.url, "--output", "\(mirror.directory.path)/out"])
                    #expect(get.exit != .code(0))
                    #expect(!get.errors.contains("Fatal error"))
                    guard case .code = get.exit else {
                        Issue.record("get ended with \(get.exit)")
                        return
                    }
                    try await mirror.restart(after: .kill)
                    #expect(try await mirror.redirect(origin.url("/good")).outcome == "hit")
                }
            }
        }
    }
}
