import Foundation
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(1)))
    struct LogTests {
        @Test("Every line is a JSON object, whose numbers and truth values are such")
        func types() async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .generated(size: 2_000_000, seed: 72))
                try await MirrorProcess.run(MirrorSettings(allow: [origin.url("/")])) { mirror in
                    #expect(try await mirror.redirect(origin.url("/a.bin")).outcome == "wait")
                    #expect(try await mirror.redirect(origin.url("/missing")).status == 404)
                    #expect(try await mirror.end(.terminate) == .code(0))
                    let lines = try mirror.log.split(separator: "\n").map { line in
                        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
                    }
                    func value<Value>(_ key: String, _ message: String) -> Value? {
                        lines.first { $0["message"] as? String == message && $0[key] != nil }?[key] as? Value
                    }
                    #expect(value("bytes", "copied") == 2_000_000)
                    #expect(value("attempt", "copied") == 1)
                    #expect((value("seconds", "copied") as Double?).map { $0 >= 0 } == true)
                    #expect(value("status", "redirect") == 404)
                    #expect(value("copies", "starting") == true)
                    #expect(value("pools", "starting") == ["local/dev"])
                    #expect(value("tls", "listening") == false)
                    #expect(value("at_most_seconds", "stopping; requests and copies in progress may finish") == 10)
                    #expect(lines.allSatisfy { $0["time"] is String && $0["level"] is String && $0["logger"] is String })
                }
            }
        }

        @Test("The log, even at its most talkative, holds no admin token and no query of an artifact's URL", arguments: ["trace", "debug"])
        func holdsNoSecrets(level: String) async throws {
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .generated(size: 2_000_000, seed: 71))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.logLevel = level
                try await MirrorProcess.run(settings) { mirror in
                    let secret = "X-Amz-Signature=0123456789abcdef"
                    let signed = origin.url("/a.bin?\(secret)")
                    let missing = origin.url("/missing?\(secret)")
                    #expect(try await mirror.redirect(signed).outcome == "wait")
                    #expect(try await mirror.redirect(signed).outcome == "hit")
                    // What an origin says of a signed URL is for whoever signed it.
                    #expect(try await mirror.redirect(missing).outcome == "fallback")
                    #expect(try await mirror.redirect("http://example.org/?\(secret)").status == 403)
                    try await mirror.warm([origin.url("/a.bin?again&\(secret)")])
                    #expect(try await mirror.admin(.GET, "/v1/stats").status == 200)
                    let wrong: HTTPHeaders = ["Authorization": "Bearer a-token-that-is-wrong"]
                    #expect(try await mirror.send(.GET, "/v1/stats", headers: wrong).status == 401)
                    #expect(try await mirror.end(.terminate) == .code(0))

                    let lines = mirror.log.split(separator: "\n")
                    // The hit is answered from memory, which logs nothing.
                    #expect(lines.count { $0.contains("\"redirect\"") && $0.contains("/a.bin") } >= 1)
                    for word in [mirror.token, "a-token-that-is-wrong", "0123456789abcdef", "again"] {
                        #expect(lines.count { $0.contains(word) } == 0, "\(word)")
                    }
                }
            }
        }
    }
}
