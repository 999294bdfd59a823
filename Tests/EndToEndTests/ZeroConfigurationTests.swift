import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `cloud-mirror serve` without a configuration file.
    @Suite(.timeLimit(.minutes(1)))
    struct ZeroConfigurationTests {
        @Test("It serves, and admin calls from this machine need no token")
        func serves() async throws {
            try await MirrorProcess.runWithoutConfiguration { mirror in
                #expect(try await mirror.send(.GET, "/readyz").status == 200)
                let pools = try await mirror.send(.GET, "/v1/pools")
                #expect(pools.status == 200)
                #expect(pools.text.contains("\"local/dev\""))
                #expect(try await mirror.send(.GET, "/v1/stats").status == 200)
                #expect(mirror.directory.exists("state/state.sqlite"))
                #expect(try await mirror.end(.terminate) == .code(0))
            }
        }

        @Test("Plain HTTP and addresses that are not public are refused with words that help")
        func refuses() async throws {
            let refusals = [
                ("http://example.org/a.bin", "https"), ("https://127.0.0.1/a.bin", "127.0.0.1"), ("https://10.1.2.3/a.bin", "10.1.2.3"),
                ("https://169.254.169.254/latest/meta-data/", "169.254.169.254"), ("https://[::1]/a.bin", "::1"),
                ("https://localhost/a.bin", "localhost"),
            ]
            try await MirrorProcess.runWithoutConfiguration { mirror in
                for (artifact, word) in refusals {
                    let answer = try await mirror.redirect(artifact)
                    #expect(answer.status == 403, "\(artifact)")
                    #expect(answer.outcome == "refused", "\(artifact)")
                    let message = try answer.json(HTTP.ErrorBody.self).message
                    #expect(message.contains(word), "\(artifact): \(message)")
                }
            }
        }

        @Test("The token is shown once, in no line of the log, and works for who comes through a proxy")
        func showsTheTokenOnce() async throws {
            try await MirrorProcess.runWithoutConfiguration { mirror in
                let token = Self.token(in: mirror.log)
                #expect(token.utf8.count >= 32)
                let proxied: HTTPHeaders = ["X-Forwarded-For": "192.0.2.1"]
                #expect(try await mirror.send(.GET, "/v1/stats", headers: proxied).status == 401)
                let withToken: HTTPHeaders = ["X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer \(token)"]
                #expect(try await mirror.send(.GET, "/v1/stats", headers: withToken).status == 200)
                try await mirror.end(.terminate)
                let log = mirror.log
                #expect(log.split(separator: token, omittingEmptySubsequences: false).count == 2)
                let logged = log.split(separator: "\n").filter { $0.hasPrefix("{") }
                #expect(!logged.isEmpty)
                #expect(logged.count { $0.contains(token) } == 0)
            }
        }

        private static func token(in text: String) -> String {
            let line = text.split(separator: "\n").first { $0.contains("Authorization: Bearer ") } ?? ""
            return String(line.split(separator: " ").last ?? "")
        }
    }
}
