import CloudRegions
import Logging
import MirrorCore
import MirrorNet
import Testing

@testable import MirrorEngine
@testable import MirrorNode
@testable import MirrorServer
@testable import MirrorSettings

@Suite struct ConfigurationReadingTests {
    @Test("Without a file there is one local pool under the state directory, and any public HTTPS origin")
    func zeroConfiguration() throws {
        let configuration = try Configuration.load(
            file: nil, services: .standard, environment: .fake(variables: ["XDG_STATE_HOME": "/state"]))
        #expect(configuration.isZeroConfiguration)
        #expect(configuration.listen.description == "127.0.0.1:8080")
        #expect(configuration.origins.policy.allow == [.anyPublic])
        #expect(configuration.origins.policy.requireHTTPS)
        #expect(configuration.admin.tokens.isEmpty)
        #expect(configuration.admin.localToken)
        let pool = try #require(configuration.pools.first)
        #expect(configuration.pools.count == 1)
        #expect(pool.id.description == "local/dev")
        #expect(pool.directory == "/state/cloud-mirror/pools/dev")
        #expect(configuration.state == .sqlite(path: "/state/cloud-mirror/state.sqlite"))
        #expect(configuration.selection.fallback == pool.id)
    }

    @Test(
        "Uses are written as often as the shortest life needs, and seldom only if a mark leaves readers a minute",
        arguments: [
            ("30d", "1m", 30, 900), ("30d", "59s", 30, 30), ("10m", "1m", 30, 30), ("1h", "5m", 30, 180), ("5m", "1m", 15, 15),
        ])
    func coarseness(_ life: String, _ grace: String, _ least: Int, _ most: Int) throws {
        let text = minimalFile.replacing("/pool", with: "/pool, retention: {timeToLive: \(life), grace: \(grace)}")
        let range = try Configuration.reading(text, .fake(variables: ["HOME": "/home/me"])).useCoarseness
        #expect(range == .seconds(least)...Duration.seconds(most))
    }

    @Test("A minimal file has the defaults for everything else")
    func minimal() throws {
        let configuration = try Configuration.reading(minimalFile, .fake(variables: ["HOME": "/home/me"]))
        var expected = Configuration(services: .standard, stateDirectory: "/home/me/.local/state/cloud-mirror")
        expected.source = .file("mirror.yaml")
        expected.origins.policy = try EgressPolicy(allow: [.prefix(try ArtifactURL("https://artifacts.example.org/"))])
        expected.pools[0].move(to: "/pool")
        #expect(configuration == expected)
        #expect(!configuration.isZeroConfiguration)
    }

    @Test("Every key of a full file arrives")
    func full() throws {
        let file = """
            listen: "[::]:8443"
            publicURL: https://Mirror.example.org/base/
            stateDirectory: state
            tls: {certificate: tls/cert.pem, key: /keys/key.pem}
            admin: {listen: localhost:9090, tokens: ["${TOKEN}"], tokensFile: tokens, localToken: false}
            origins:
              allow:
                - http://artifacts.example.org/builds/
                - pattern: '^https://a\\.example/'
                - {pattern: '^https://b\\.example/', query: keep}
                - {prefix: "https://c.example/", query: drop}
                - {query: drop-signatures, prefix: "https://d.example/x"}
                - {prefix: "https://e.example/", query: [version, "filter%5Bname%5D"]}
                - pattern: '^https://f\\.example/'
                  query:
                    - ${NAME}
              requireHTTPS: false
              allowAddresses: [10.0.0.0/8, "fd00::/8", "::ffff:192.168.0.0/112"]
              maxRedirects: 0
            pools:
              local/a: {directory: ../a, retention: {timeToLive: 7d, maxBytes: 500GiB, grace: 5m}}
              local/b: {directory: /b/, retention: {maxBytes: none}}
            redirect: {maxWait: 500ms, hop: 3s, hops: 1, clients: [{userAgent: "Pip/", hop: 12s, hops: 25}, {userAgent: my loader}],
              waitLimit: 1m, negativeLife: 0s, maxWaiting: 5, memory: 3MiB, coldClaims: {perSecond: 3, burst: 4, bytesPerMinute: 5MiB}, status: 307}
            copy: {concurrency: 1, partSize: 1MiB, partConcurrency: 2, maxAttempts: 3, maxObjectSize: 1TB, refuseHTML: false, idleTimeout: 5s, connectTimeout: 1s,
              lease: 20s, maxQueued: 7, maxQueuedPerOrigin: 3, backoff: {first: 1ms, max: 1ms}}
            state: {sqlite: {path: db.sqlite}}
            selection: {networks: {10.1.0.0/16: local/b, "2001:db8::/32": local/a, "::ffff:10.2.0.0/112": local/a},
              trustedProxies: [10.9.9.9, "::ffff:10.0.0.0/104"], default: local/b, regions: {aws/eu-west-3: local/a}, nearest: same-cloud,
              poolHeader: true, deliveryHeader: true, proxyHeader: Forwarded,
              cloudRegions: {aws: "http://lists.example/ip-ranges.json?v=1", google: ../cloud.json, azure: /azure.json, refresh: 6h}}
            sweep: {interval: 1h}
            server: {maxConnections: 2, idleTimeout: 2s, bodyTimeout: 3s, maxHeaderBytes: 16KiB, proxyProtocol: true, shutdownGrace: 1s}
            log: {level: debug, format: json}
            """
        let environment = SettingsEnvironment.fake(
            variables: ["TOKEN": "token-from-the-environment", "NAME": "arch"],
            files: [
                "/here/tls/cert.pem": sampleCertificate, "/keys/key.pem": sampleKey,
                "/here/tokens": "# comment\n\n  token-from-the-file-one \r\ntoken-from-the-file-two\n",
            ],
            worldReadable: ["/here/tokens", "/here/tls/cert.pem"])
        let configuration = try Configuration.reading(file, environment)

        #expect(configuration.listen == ListenAddress(host: "::", port: 8_443))
        #expect(configuration.publicURL == "https://mirror.example.org/base")
        #expect(configuration.stateDirectory == "/here/state")
        #expect(configuration.tls?.certificate == "/here/tls/cert.pem")
        #expect(configuration.tls?.key == "/keys/key.pem")
        #expect(configuration.tls?.chain.count == 1)
        #expect(configuration.admin.listen?.description == "localhost:9090")
        #expect(
            configuration.admin.tokens.map(\.value) == ["token-from-the-environment", "token-from-the-file-one", "token-from-the-file-two"])
        #expect(!configuration.admin.localToken)
        #expect(
            configuration.origins.policy.allow == [
                .prefix(try ArtifactURL("http://artifacts.example.org/builds/")), .pattern("^https://a\\.example/"),
                .pattern("^https://b\\.example/", query: .keep), .prefix(try ArtifactURL("https://c.example/"), query: .drop),
                .prefix(try ArtifactURL("https://d.example/x"), query: .dropSignatures),
                .prefix(try ArtifactURL("https://e.example/"), query: .only(QueryNames(["version", "filter[name]"]))),
                .pattern("^https://f\\.example/", query: .only(QueryNames(["arch"]))),
            ])
        #expect(!configuration.origins.policy.requireHTTPS)
        #expect(configuration.origins.policy.addressGuard.allowed.map(\.description) == ["10.0.0.0/8", "fd00::/8", "192.168.0.0/16"])
        #expect(configuration.origins.policy.maxRedirects == 0)
        #expect(configuration.pools.map(\.id.description) == ["local/a", "local/b"])
        #expect(configuration.pools.map(\.directory) == ["/here/../a", "/b"])
        #expect(
            configuration.pools[0].retention
                == RetentionConfiguration(timeToLive: .seconds(604_800), maxBytes: .bytes(500 << 30), grace: .seconds(300)))
        #expect(configuration.pools[1].retention == RetentionConfiguration())
        #expect(
            configuration.redirect
                == RedirectConfiguration(
                    maxWait: .milliseconds(500), hop: .seconds(3), hops: 1,
                    clients: [
                        .init(userAgent: "Pip/", patience: Patience(hop: .seconds(12), hops: 25)),
                        .init(userAgent: "my loader", patience: Patience(hop: .seconds(3), hops: 1)),
                    ], waitLimit: .seconds(60), negativeLife: .zero, maxWaiting: 5, memory: 3 << 20,
                    coldClaims: ColdClaimLimits(perSecond: 3, burst: 4, bytesPerMinute: 5 << 20), status: .temporaryRedirect))
        #expect(
            configuration.copy
                == CopyConfiguration(
                    concurrency: 1, partSize: 1 << 20, partConcurrency: 2, maxAttempts: 3, maxObjectSize: 1_000_000_000_000,
                    refuseHTML: false,
                    idleTimeout: .seconds(5),
                    connectTimeout: .seconds(1), lease: .seconds(20), maxQueued: 7, maxQueuedPerOrigin: 3,
                    backoff: Backoff(first: .milliseconds(1), limit: .milliseconds(1))))
        #expect(configuration.state == .sqlite(path: "/here/db.sqlite"))
        #expect(configuration.selection.networks.map(\.network.description) == ["2001:db8::/32", "10.1.0.0/16", "10.2.0.0/16"])
        #expect(configuration.selection.networks.map(\.pool.description) == ["local/a", "local/b", "local/a"])
        #expect(configuration.selection.trustedProxies.map(\.description) == ["10.9.9.9/32", "10.0.0.0/8"])
        #expect(configuration.selection.fallback == PoolID("local/b"))
        let region = try #require(CloudRegion("aws/eu-west-3"))
        #expect(configuration.selection.regions == [region: try #require(PoolID("local/a"))])
        #expect(configuration.selection.nearest == .sameCloud)
        #expect(configuration.selection.poolHeader)
        #expect(configuration.selection.deliveryHeader)
        #expect(configuration.selection.proxyHeader == .forwarded)
        var lists = CloudRegionSources()
        lists.aws = .url(try ArtifactURL("http://lists.example/ip-ranges.json?v=1"))
        (lists.google, lists.azure, lists.refresh) = (.file("/here/../cloud.json"), .file("/azure.json"), .seconds(21_600))
        #expect(configuration.selection.cloudRegions == lists)
        #expect(configuration.sweep.interval == .seconds(3_600))
        #expect(
            configuration.server
                == ServerConfiguration(
                    maxConnections: 2, idleTimeout: .seconds(2), bodyTimeout: .seconds(3), maxHeaderBytes: 16 << 10, proxyProtocol: true,
                    shutdownGrace: .seconds(1)))
        #expect(configuration.log == Configuration.Log(level: .debug, format: .json))
        // The certificate is for everybody; the tokens are not.
        #expect(
            configuration.warnings.map(\.description) == [
                "mirror.yaml:5:67: admin.tokensFile: everyone on this machine can read /here/tokens; run chmod o-r on it"
            ])
    }

    @Test("With two pools requests without one go to the origin unless the file says otherwise")
    func twoPools() throws {
        let pools = "origins: {allow: [https://a.example/]}\npools: {local/a: {directory: a}, local/b: {directory: b}}\n"
        #expect(try Configuration.reading(pools).selection.fallback == nil)
        #expect(try Configuration.reading(pools + "selection: {default: local/a}").selection.fallback == PoolID("local/a"))
        #expect(try Configuration.reading(minimalFile + "selection: {default: origin}").selection.fallback == nil)
    }

    @Test("The command line goes before the file")
    func overrides() throws {
        let environment = SettingsEnvironment.fake(files: [
            "/here/mirror.yaml": minimalFile + "listen: 127.0.0.1:1\nstateDirectory: /file\n"
        ])
        let overrides = Configuration.Overrides(listen: ListenAddress("0.0.0.0:0"), stateDirectory: "given")
        let configuration = try Configuration.load(file: "mirror.yaml", services: .standard, overrides: overrides, environment: environment)
        #expect(configuration.listen == ListenAddress(host: "0.0.0.0", port: 0))
        #expect(configuration.stateDirectory == "/here/given")
        #expect(configuration.state == .sqlite(path: "/here/given/state.sqlite"))
        let without = try Configuration.load(file: nil, services: .standard, overrides: overrides, environment: environment)
        #expect(without.stateDirectory == "/here/given")
        #expect(without.pools.map(\.directory) == ["/here/given/pools/dev"])
    }

    @Test("An anchor saves repeating a value")
    func anchors() throws {
        let configuration = try Configuration.reading(
            """
            origins: {allow: [https://a.example/]}
            pools:
              local/a: {directory: a, retention: &kept {timeToLive: 2h}}
              local/b: {directory: b, retention: *kept}
            """)
        #expect(configuration.pools.map(\.retention.timeToLive) == [.seconds(7_200), .seconds(7_200)])
    }

    @Test("Text in quotes is never read as no value")
    func quotedNull() {
        #expect(Configuration.problems(of: minimalFile + "listen: 'null'\n").first?.contains("'null' is not an address") == true)
    }

    @Test(
        "Addresses to listen on are a host and a port",
        arguments: [
            ("127.0.0.1:8080", "127.0.0.1:8080"), ("[::]:0", "[::]:0"), ("[0:0::1]:65535", "[::1]:65535"), ("Localhost:1", "localhost:1"),
        ])
    func listenAddresses(text: String, canonical: String) {
        #expect(ListenAddress(text)?.description == canonical)
    }

    @Test(
        "What is no host and port is no address to listen on",
        arguments: [
            "", ":", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "[::1]", "[127.0.0.1]:80",
            "a b:80",
            "host/x:80", "user@host:80", "0x7f.1:80", "1:2:3", "h:0080x",
        ])
    func notListenAddresses(text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
