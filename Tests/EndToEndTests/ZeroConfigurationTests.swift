import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `cloud-mirror serve` without a configuration file.
    @Suite(.timeLimit(.minutes(1)))
    struct ZeroConfigurationTests {
        @Test("It serves, and keeps what is its own in the state directory")
        func serves() async throws {
            try await MirrorProcess.runWithoutConfiguration { mirror in
                #expect(try await mirror.send(.GET, "/readyz").status == 200)
                #expect(try await mirror.send(.GET, "/v1/pools").status == 401)
                let pools = try await Command.run(["pools", "--mirror", mirror.url, "--state-dir", "\(mirror.directory.path)/state"])
                #expect(pools.exit == .code(0), "\(pools.errors)")
                #expect(pools.output.contains("local/dev"))
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
    }
}
