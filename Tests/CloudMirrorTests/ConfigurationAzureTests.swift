import MirrorCore
import MirrorStorage
import Testing

@testable import MirrorNode
@testable import MirrorSettings
@testable import StorageAzure

@Suite struct ConfigurationAzureTests {
    private static let key = "dGhlLWtleS1vZi10aGUtdGVzdA=="
    private static let environment = SettingsEnvironment.fake(
        variables: ["KEY": key, "SECRET": "the-secret-of-the-test", "SAS": "?sv=2023-11-03&sig=the-signature"],
        files: ["/here/key": " \(key) \n", "/here/sas": "sv=1&sig=x\n", "/here/secret": "the-secret-in-the-file\n", "/here/bad": "???\n"])

    private struct Unexpected: Error {}

    private static func pool(_ settings: String) throws -> AzurePoolSettings {
        let file = "origins: {allow: [https://a.example/]}\npools: {azure/westeurope: {\(settings)}}\n"
        let pool = try #require(try Configuration.reading(file, environment).pools.first)
        guard let azure = pool.settings as? AzurePoolSettings else { throw Unexpected() }
        return azure
    }

    private static let needed = "account: mymirror, container: mirror"

    @Test("A pool needs an account and a container and nothing else: public, with the credentials of Azure's tools")
    func least() throws {
        let pool = try Self.pool(Self.needed)
        #expect(pool == AzurePoolSettings(container: AzureContainerSettings(name: "mirror", endpoint: AzureEndpoint(account: "mymirror"))))
        #expect(pool.reading == BucketReading() && pool.pullsURLs && pool.reading.keyPrefix.isEmpty && pool.container.credentials == .chain)
        #expect(pool.container.endpoint == AzureEndpoint(account: "mymirror"))
        #expect(pool.container.endpoint.url == "https://mymirror.blob.core.windows.net")
    }

    @Test("Every key of a pool and of an origin arrives")
    func full() throws {
        let file = """
            origins: {azure: [{account: artifacts, container: releases, credentials: {sasToken: "${SAS}"}},
              {account: artifacts, container: $root, endpoint: "http://127.0.0.1:10000/artifacts/", credentials: anonymous}],
              requireHTTPS: false}
            pools:
              azure/beijing:
                account: mymirror
                container: my-mirror-1
                endpoint: https://MyMirror.blob.core.chinacloudapi.cn
                access: presigned
                publicURL: https://cdn.example.org/x/
                keyPrefix: team/a
                serverSideFetch: false
                credentials: {tenantID: example.org, clientID: 11111111-2222-3333-4444-555555555555, clientSecret: "${SECRET}"}
                retention: {timeToLive: 2d}
            """
        let configuration = try Configuration.reading(file, Self.environment)
        let signature = Secret("?sv=2023-11-03&sig=the-signature")
        #expect(
            configuration.origins.buckets.compactMap { $0.settings as? AzureContainerSettings } == [
                AzureContainerSettings(
                    name: "releases", endpoint: AzureEndpoint(account: "artifacts"), credentials: .signature(signature)),
                AzureContainerSettings(
                    name: "$root",
                    endpoint: try #require(AzureEndpoint(try ArtifactURL("http://127.0.0.1:10000/artifacts/"), account: "artifacts")),
                    credentials: .anonymous),
            ])
        let container = AzureContainerSettings(
            name: "my-mirror-1",
            endpoint: try #require(
                AzureEndpoint(try ArtifactURL("https://mymirror.blob.core.chinacloudapi.cn"), account: "mymirror")),
            credentials: .client(
                tenantID: "example.org", clientID: "11111111-2222-3333-4444-555555555555", secret: Secret("the-secret-of-the-test")))
        #expect(
            configuration.pools.compactMap { $0.settings as? AzurePoolSettings } == [
                AzurePoolSettings(
                    container: container,
                    reading: BucketReading(
                        access: .presigned, publicURL: try ArtifactURL("https://cdn.example.org/x/"), keyPrefix: "team/a/"),
                    pullsURLs: false)
            ])
        for secret in ["the-secret-of-the-test", "the-signature"] { #expect(!"\(configuration)".contains(secret)) }
    }

    @Test(
        "Credentials have many forms",
        arguments: [
            ("anonymous", .anonymous), ("managedIdentity", .managedIdentity(clientID: nil)),
            ("{managedIdentityClientID: c-1}", .managedIdentity(clientID: "c-1")), ("{accountKey: \"${KEY}\"}", .key(Secret(key))),
            ("{accountKeyFile: key}", .key(Secret(key))), ("{sasTokenFile: sas}", .signature(Secret("sv=1&sig=x"))),
            (
                "{tenantID: t, clientID: c, clientSecretFile: secret}",
                .client(tenantID: "t", clientID: "c", secret: Secret("the-secret-in-the-file"))
            ),
            (
                "{tenantID: t, clientID: c, clientCertificateFile: c.pem}",
                .certificate(tenantID: "t", clientID: "c", file: "/here/c.pem")
            ),
        ] as [(String, AzureCredentialSettings)])
    func credentials(_ text: String, _ expected: AzureCredentialSettings) throws {
        #expect(try Self.pool("\(Self.needed), credentials: \(text)").container.credentials == expected)
    }

    @Test("Pools may share a container with a prefix each, and another cloud or server may have a container of one name")
    func shared() throws {
        let file = """
            origins: {allow: [https://a.example/]}
            pools:
              azure/a: {account: mymirror, container: shared, keyPrefix: a}
              azure/b: {account: mymirror, container: shared, keyPrefix: b/}
              azure/c: {account: another, container: shared, keyPrefix: a}
              azure/d: {account: mymirror, container: shared, keyPrefix: a, endpoint: https://mymirror.blob.core.chinacloudapi.cn}
              azure/e: {account: mymirror, container: shared, keyPrefix: a, endpoint: https://blobs.example.org}
            """
        #expect(try Configuration.reading(file).pools.count == 5)
    }

    @Test("A container that is there twice, whatever the way to it, and an origin without TLS, are reported")
    func between() {
        let file = """
            origins:
              azure:
                - {account: artifacts, container: releases}
                - {account: artifacts, container: releases, endpoint: https://artifacts.blob.core.windows.net}
                - {account: artifacts, container: b-1, endpoint: http://127.0.0.1:1/artifacts}
            pools:
              azure/a: {account: mymirror, container: same}
              azure/b: {account: mymirror, container: same, endpoint: https://mymirror.privatelink.blob.core.windows.net}
            """
        #expect(
            Configuration.problems(of: file) == [
                "mirror.yaml:4:39: origins.azure[1].container: is already in the list",
                "mirror.yaml:5:54: origins.azure[2].endpoint: uses plain HTTP, but origins.requireHTTPS is true",
                "mirror.yaml:8:43: pools.azure/b.container: is already the container of the pool azure/a; give each pool its own container "
                    + "or keyPrefix",
            ])
    }

    @Test("An endpoint without TLS is worth a warning")
    func plainEndpoint() throws {
        let file =
            "origins: {allow: [https://a.example/]}\n"
            + "pools: {azure/a: {account: mymirror, container: shared, endpoint: http://127.0.0.1:1/mymirror}}\n"
        #expect(
            try Configuration.reading(file).warnings.map(\.description) == [
                "mirror.yaml:2:67: pools.azure/a.endpoint: uses plain HTTP: anyone on the network path can read and change what is copied"
            ])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var settings: String
        var problems: [String]

        var testDescription: String { settings }

        /// Behind what is needed at least.
        init(_ settings: String, _ problems: String...) {
            self.settings = settings
            self.problems = problems
        }

        static func credentials(_ text: String, _ problems: String...) -> Bad {
            var bad = Bad("\(needed), credentials: \(text)")
            bad.problems = problems
            return bad
        }
    }

    private static let forms = "anonymous, managedIdentity, {accountKey}, {sasToken}, or {tenantID, clientID, clientSecret}"

    @Test(
        "What is wrong with a pool is said with its key",
        arguments: [
            Bad("access: public", "account: is missing; write account: mymirror", "container: is missing; write container: mirror"),
            Bad(
                "account: My-Mirror, container: mirror",
                "account: 'My-Mirror' is not the name of a storage account; write 3 to 24 of a-z and 0-9"),
            Bad(
                "account: mymirror, container: a--b",
                "container: 'a--b' is not the name of a container; write 3 to 63 of a-z and 0-9, with single hyphens between them"),
            Bad(
                "account: mymirror, container: $root",
                "container: '$root' is not the name of a container; write 3 to 63 of a-z and 0-9, with single hyphens between them"),
            Bad(
                "\(needed), endpoint: https://blobs.example.org/other",
                "endpoint: has a path other than the account; write https://blobs.example.org"),
            Bad(
                "\(needed), endpoint: https://another.blob.core.windows.net",
                "endpoint: is not of the account mymirror; its host begins with mymirror."),
            Bad("\(needed), access: private", "access: 'private' is not one of public, presigned"),
            Bad(
                "\(needed), access: presigned, credentials: anonymous",
                "access: cannot be presigned without credentials; remove `credentials: anonymous`"),
            Bad(
                "\(needed), access: presigned, credentials: {sasToken: sv=1&sig=x}",
                "access: cannot be presigned with a SAS token, which clients would get; use an account key, or an identity"),
            Bad("\(needed), keyPrefix: a./b", "keyPrefix: 'a./b' has a folder that ends with a dot; Azure removes the dot"),
            Bad("\(needed), serverSideFetch: maybe", "serverSideFetch: 'maybe' is neither true nor false"),
            .credentials("none", "credentials: must be \(forms)"),
            .credentials("{}", "credentials: has no credentials; write \(forms), or leave it out"),
            .credentials("{tenantID: t, clientID: c}", "credentials: has no credentials; write \(forms), or leave it out"),
            .credentials(
                "{accountKey: \"${KEY}\", sasToken: sv=1&sig=x}",
                "credentials.sasToken: cannot be combined with accountKey; keep one of them"),
            .credentials("{accountKey: '???'}", "credentials.accountKey: its value is not the key of a storage account; it is base64"),
            .credentials(
                "{accountKeyFile: bad}",
                "credentials.accountKeyFile: the secret in the file is not the key of a storage account; it is base64"),
            .credentials(
                "{accountKeyFile: nowhere}", "credentials.accountKeyFile: /here/nowhere cannot be read: No such file or directory"),
            .credentials(
                "{sasToken: 'https://x/?sv=1&sig=y'}",
                "credentials.sasToken: its value is not a SAS token; it has sig= and sv=, and is written without the URL"),
            .credentials(
                "{clientSecret: s}", "credentials.tenantID: is missing; an application is named by its tenant and its client ID",
                "credentials.clientID: is missing; an application is named by its tenant and its client ID"),
            .credentials(
                "{tenantID: a/b, clientID: 'c d', clientSecret: s}",
                "credentials.tenantID: 'a/b' is not a tenant; write its ID or its domain",
                "credentials.clientID: 'c d' is not a client ID; write one such as 00000000-0000-0000-0000-000000000000"),
            .credentials("{acountKey: x, sasToken: sv=1&sig=x}", "credentials.acountKey: unknown key; did you mean 'accountKey'?"),
        ])
    func problems(_ bad: Bad) {
        let file = "origins: {allow: [https://a.example/]}\npools: {azure/westeurope: {\(bad.settings)}}\n"
        let found = Configuration.problems(of: file, Self.environment).map { problem in
            problem.split(separator: ": ", maxSplits: 1).last.map { String($0.replacing("pools.azure/westeurope.", with: "")) } ?? problem
        }
        #expect(found == bad.problems)
    }
}
