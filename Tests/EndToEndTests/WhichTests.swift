import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// `cloud-mirror which`, `/v1/which`, and what answers say.
    @Suite(.timeLimit(.minutes(1)))
    struct WhichTests {
        @Test("The command, the API and the fields of answers agree on which pool a client gets, and why")
        func agree() async throws {
            let directory = try TemporaryDirectory()
            try await FakeOrigin.run { origin in
                origin.on("/a.bin", .text("artifact"))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.morePools = ["local/other: {directory: \(directory.path)/other}"]
                settings.more = [
                    "selection: {networks: {192.0.2.0/24: local/other, 192.0.2.128/25: local/dev}, trustedProxies: [127.0.0.0/8], default: origin}"
                ]
                try await MirrorProcess.run(settings) { mirror in
                    let variables = ["CLOUD_MIRROR_URL": mirror.url, "CLOUD_MIRROR_TOKEN": mirror.token]
                    let target = "/v1/redirect/\(PercentCoding.encode(origin.url("/a.bin")))"
                    for (address, pool, why) in [
                        ("192.0.2.7", "local/other", "its network 192.0.2.0/24 is in selection.networks"),
                        ("::ffff:192.0.2.200", "local/dev", "its network 192.0.2.128/25 is in selection.networks"),
                        ("198.51.100.1", "origin", "selection.default, because no pool serves its address"),
                    ] {
                        let reason = pool == "origin" ? "default" : "network"
                        let told = try await Command.run(["which", address], environment: variables)
                        #expect(told.exit == .code(0) && told.output.hasPrefix("\(pool): \(why)\n"), "\(told.output)\(told.errors)")
                        let known = try await mirror.admin(.GET, "/v1/which?address=\(PercentCoding.encode(address))")
                        let answer: WhichCall.Answer = try known.json()
                        #expect(answer.pool ?? "origin" == pool && answer.reason == reason)
                        let asJSON = try await Command.run(["which", "--json", address], environment: variables)
                        #expect(try asJSON.json(WhichCall.Answer.self).pool == answer.pool)
                        let redirect = try await mirror.send(.GET, target, headers: ["X-Forwarded-For": address])
                        #expect(redirect.headers.first(name: "X-Cloud-Mirror-Pool") == answer.pool)
                        #expect(redirect.headers.first(name: "X-Cloud-Mirror-Pool-Reason") == reason)
                    }
                    #expect(try await Command.run(["which", "nowhere"], environment: variables).exit == .code(64))
                }
            }
        }
    }
}
