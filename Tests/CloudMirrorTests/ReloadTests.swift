import MirrorCore
import MirrorNet
import Testing

@testable import MirrorNode
@testable import MirrorSettings

@Suite struct ReloadTests {
    private static let before = """
        listen: 127.0.0.1:8080
        tls: {certificate: cert.pem, key: key.pem}
        admin: {tokens: [the-first-admin-token]}
        origins: {allow: [https://artifacts.example.org/]}
        pools:
          local/a: {directory: /a, retention: {timeToLive: 1h}}
          local/b: {directory: /b}
        selection: {default: local/a}
        copy: {backoff: {first: 1s}}
        log: {level: info}

        """

    private static let environment = SettingsEnvironment.fake(files: ["/here/cert.pem": sampleCertificate, "/here/key.pem": sampleKey])

    /// What is set, and what needs a restart, when the first file is changed like this.
    private static func changes(_ changes: (String, String)..., in environment: SettingsEnvironment = environment) throws
        -> (changed: [String], restart: [String])
    {
        let old = try Configuration.reading(before, Self.environment)
        let text = changes.reduce(before) { text, change in
            #expect(text.contains(change.0))
            return text.replacing(change.0, with: change.1)
        }
        let loaded = try Configuration.reading(text, environment)
        let next = old.reloaded(from: loaded)
        return (next.differences(from: old), loaded.differences(from: next))
    }

    @Test("What can be set while it runs is set, and named by its key")
    func reloadable() throws {
        let (changed, restart) = try Self.changes(
            ("tokens: [the-first-admin-token]", "tokens: [the-other-admin-token], localToken: false"),
            ("artifacts.example.org/", "artifacts.example.org/builds/"),
            ("timeToLive: 1h", "timeToLive: 2h, maxBytes: 5GiB, grace: 3s"),
            ("copy: {", "retention: {policy: cost, admission: cost, origin: s3/us-east-1}\ncopy: {"),
            (
                "default: local/a",
                "default: local/b, networks: {10.0.0.0/8: local/a}, trustedProxies: [10.1.0.0/16], regions: {aws/us-west-2: local/b}, "
                    + "nearest: never, poolHeader: true, deliveryHeader: true, proxyHeader: Forwarded"
            ),
            (
                "level: info",
                "level: debug}\nredirect: {hop: 2s, hops: 3, clients: [{userAgent: tool, hop: 4s, hops: 2}], maxWait: 3s, waitLimit: 9s, maxWaiting: 7, coldClaims: {perSecond: 0, burst: 1}"
            ))
        #expect(
            changed == [
                "admin.localToken", "admin.tokens", "log.level", "origins.allow", "pools.local/a.retention.grace",
                "pools.local/a.retention.maxBytes", "pools.local/a.retention.policy",
                "pools.local/a.retention.timeToLive", "pools.local/b.retention.policy", "redirect.clients",
                "redirect.coldClaims.burst", "redirect.coldClaims.perSecond",
                "redirect.hop", "redirect.hops", "redirect.maxWait",
                "redirect.maxWaiting", "redirect.waitLimit", "retention.admission", "retention.origin", "retention.policy",
                "selection.default", "selection.deliveryHeader",
                "selection.nearest", "selection.networks", "selection.poolHeader", "selection.proxyHeader", "selection.regions",
                "selection.trustedProxies",
            ])
        #expect(restart == [])
    }

    @Test("What needs a restart is left as it was, and named by its key")
    func restart() throws {
        let (changed, restart) = try Self.changes(
            ("127.0.0.1:8080", "0.0.0.0:8081\npublicURL: https://mirror.example.org\nstateDirectory: /state"),
            ("tokens: [the-first-admin-token]", "listen: 127.0.0.1:9, tokens: [the-first-admin-token]"),
            ("allow:", "s3: [{bucket: my-artifacts, region: us-west-2}], allow:"), ("directory: /b", "directory: /c"),
            ("timeToLive: 1h", "timeToLive: 1h, minFreeBytes: 1MiB"),
            ("first: 1s", "first: 2s}, concurrency: 3, lease: 9s, backoff: {first: 2s"),
            ("copy: {backoff: {first: 2s}, ", "copy: {"),
            ("default: local/a", "default: local/a, cloudRegions: {aws: /ip-ranges.json, refresh: 1h}"),
            (
                "log: {",
                "redirect: {status: 307, negativeLife: 4s, memory: 2MiB}\nserver: {maxConnections: 3}\nsweep: {interval: 9s}\nlog: {format: text, "
            ))
        #expect(changed == [])
        #expect(
            restart == [
                "admin.listen", "copy.backoff.first", "copy.concurrency", "copy.lease", "listen", "log.format", "origins.s3",
                "pools.local/a.retention.minFreeBytes", "pools.local/b",
                "publicURL", "redirect.memory", "redirect.negativeLife", "redirect.status", "selection.cloudRegions.aws",
                "selection.cloudRegions.refresh",
                "server.maxConnections", "state", "stateDirectory",
                "sweep.interval",
            ])
    }

    @Test("Pools that come, go and change their order need a restart, and nothing chooses a pool that is not there yet")
    func pools() throws {
        let (changed, restart) = try Self.changes(
            ("  local/b: {directory: /b}\n", "  local/c: {directory: /c}\n"), ("default: local/a", "default: local/c"))
        #expect(changed == [])
        #expect(restart == ["pools.local/b", "pools.local/c", "selection.default"])
        let swapped = try Self.changes(
            ("  local/b: {directory: /b}\n", ""), ("  local/a:", "  local/b: {directory: /b}\n  local/a:"))
        #expect(swapped.restart == ["pools"])
    }

    @Test("Another certificate in the same file is seen; whether there is TLS at all is for the next start")
    func certificates() throws {
        let twice = SettingsEnvironment.fake(
            files: ["/here/cert.pem": sampleCertificate + "\n" + sampleCertificate, "/here/key.pem": sampleKey])
        #expect(try Self.changes(in: twice) == (["tls"], []))
        #expect(try Self.changes(("tls: {certificate: cert.pem, key: key.pem}\n", "")) == ([], ["tls"]))
    }

    @Test("State of another kind needs a restart, and so do its settings")
    func state() throws {
        let file = """
            origins: {allow: [https://artifacts.example.org/]}
            pools: {s3/eu-central-1: {bucket: my-mirror}}
            state: {redis: {url: "redis://h", timeout: 1s}}

            """
        let old = try Configuration.reading(file)
        let other = try Configuration.reading(
            file.replacing("timeout: 1s", with: "timeout: 2s, passwordFile: password"), .fake(files: ["/here/password": "the-password"]))
        #expect(old.reloaded(from: other) == old)
        #expect(other.differences(from: old) == ["state.redis.password", "state.redis.timeout"])
    }

    @Test("A file that has not changed changes nothing")
    func same() throws {
        #expect(try Self.changes() == ([], []))
    }
}
