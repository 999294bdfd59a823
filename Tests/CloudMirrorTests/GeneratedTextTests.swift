import MirrorCore
import MirrorNet
import MirrorServer
import MirrorStorage
import NamedOrigins
import StorageAzure
import StorageGCS
import StorageS3
import Testing

@testable import MirrorEngine
@testable import MirrorNode
@testable import MirrorSettings

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct GeneratedTextTests {
    private static let environment = SettingsEnvironment.fake(
        variables: [
            "CLOUD_MIRROR_ADMIN_TOKEN": "a-token-that-is-long-enough", "MIRROR_KEY_ID": "AKIDEXAMPLE", "MIRROR_SECRET_KEY": "the-secret",
            "MIRROR_TENANT_ID": "example.org", "MIRROR_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
            "MIRROR_CLIENT_SECRET": "the-secret", "REDIS_PASSWORD": "the-password",
        ],
        files: [
            "/etc/cloud-mirror/tokens": "another-token-that-is-long\n", "/etc/cloud-mirror/cert.pem": sampleCertificate,
            "/etc/cloud-mirror/key.pem": sampleKey,
            "/etc/cloud-mirror/redis-password": "the-password\n", "/etc/cloud-mirror/sentinel-password": "the-password\n",
            "/etc/cloud-mirror/redis-ca.pem": sampleCertificate, "/etc/cloud-mirror/tracing-headers": "Authorization: Bearer a-token\n",
            "/etc/cloud-mirror/prices.json": #"{"asOf": "2026-01-31", "rows": []}"#,
        ])

    @Test("docs/configuration.md is what the code says; `make docs` writes it")
    func reference() throws {
        #expect(try Self.checkedIn("docs/configuration.md") == ConfigurationReference.markdown(.standard))
    }

    @Test("config/cloud-mirror.example.yaml is what the code says; `make docs` writes it")
    func example() throws {
        #expect(try Self.checkedIn("config/cloud-mirror.example.yaml") == ConfigurationExample.yaml(.standard))
    }

    @Test("The table in docs/storage-backends.md is what the code says")
    func capabilities() throws {
        let text = try Self.checkedIn("docs/storage-backends.md")
        let table = CapabilityTable.markdown(.standard)
        #expect(text.contains("<!-- capabilities -->\n\(table)<!-- /capabilities -->"), "`make docs` writes it:\n\(table)")
    }

    @Test("The table of copies in docs/storage-backends.md is what the code says")
    func copies() throws {
        let text = try Self.checkedIn("docs/storage-backends.md")
        let table = try CopyTable.markdown(.standard)
        #expect(text.contains("<!-- copies -->\n\(table)<!-- /copies -->"), "`make docs` writes it:\n\(table)")
    }

    @Test("docs/writing-a-backend.md has every feature that a store can declare")
    func features() throws {
        let text = try Self.checkedIn("docs/writing-a-backend.md")
        for (_, name, _) in StoreCapabilities.Features.all { #expect(text.contains("\n| `\(name)` | "), "\(name)") }
    }

    @Test("The limits in docs/security.md are what the code says")
    func limits() throws {
        let text = try Self.checkedIn("docs/security.md")
        let table = ConfigurationReference.limits(.standard)
        for key in ["`copy.maxQueued`", "`server.maxConnections`", "`redirect.maxWait`"] { #expect(table.contains(key), "\(key)") }
        #expect(text.contains("<!-- limits -->\n\(table)<!-- /limits -->"), "`make docs` writes it:\n\(table)")
    }

    @Test("The policies in docs/operations.md are what the code says")
    func policies() throws {
        let text = try Self.checkedIn("docs/operations.md")
        let policies = CapabilityTable.permissions(.standard)
        #expect(text.contains("<!-- policies -->\n\(policies)<!-- /policies -->"), "`make docs` writes them:\n\(policies)")
    }

    @Test("The recipes in docs/clients.md are what the code says")
    func recipes() throws {
        let text = try Self.checkedIn("docs/clients.md")
        #expect(text.contains("<!-- recipes -->\n\(ClientRecipes.markdown)<!-- /recipes -->"), "`make docs` writes them")
    }

    @Test("docs/clients.md says of every client that has a recipe how it is tested")
    func testedClients() throws {
        /// `Git LFS` is `git-lfs`.
        func clients(_ text: some StringProtocol) -> [String] {
            text.lowercased().replacing("-", with: " ").split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
        }
        let rows = try Self.checkedIn("docs/clients.md").split(separator: "\n").filter { $0.hasPrefix("| ") }
        let tested = Set(rows.compactMap { $0.split(separator: "|").first }.flatMap { clients($0) })
        for heading in ClientRecipes.markdown.split(separator: "\n") where heading.hasPrefix("### ") {
            for client in clients(heading.dropFirst("### ".count)) { #expect(tested.contains(client), "\(client)") }
        }
    }

    @Test("docs/request-handling.md has the table of clients that the code has")
    func clients() throws {
        let rows = try Self.checkedIn("docs/request-handling.md").split(separator: "\n").filter { $0.hasPrefix("|") }
        for family in ClientTable.builtIn {
            let cells = try #require(rows.first { $0.contains("`\(family.userAgent)`") }, "\(family.userAgent) is missing")
                .split(separator: "|").map { $0.trimmingPrefix(" ") }
            #expect(cells[2] == "\(family.patience.hop.components.seconds) s ", "\(family.userAgent)")
            #expect(cells[3] == "\(family.patience.hops) ", "\(family.userAgent)")
        }
    }

    @Test("The example is a file that can be used, and changes nothing but what is required")
    func exampleIsDefault() throws {
        let environment = SettingsEnvironment.fake(variables: ["HOME": "/home/me"])
        let configuration = try Configuration.reading(ConfigurationExample.yaml(.standard), environment)
        var expected = Configuration(services: .standard, stateDirectory: "/home/me/.local/state/cloud-mirror")
        expected.source = .file("mirror.yaml")
        expected.origins.policy = try EgressPolicy(allow: configuration.origins.policy.allow)
        expected.pools[0].move(to: "/var/lib/cloud-mirror/pools/dev")
        #expect(configuration == expected)
        #expect(configuration.origins.policy.allow.count == 2)
    }

    @Test("The example with every key in force, but for what excludes each other, can be used too, and holds every key of the reference")
    func uncommented() throws {
        let text = ConfigurationExample.uncommented(ConfigurationExample.yaml(.standard))
        let configuration = try Configuration.reading(Self.without("  redis:", text), Self.environment)
        #expect(configuration.tls != nil)
        #expect(configuration.admin.tokens.count == 2)
        #expect(configuration.selection.networks.count == 1)
        var redirect = RedirectConfiguration.defaults
        redirect.clients = [.init(userAgent: "my-downloader/", patience: Patience(hop: .seconds(50), hops: 3))]
        #expect(configuration.redirect == redirect)
        var copy = CopyConfiguration.defaults
        // Their defaults are shares of other keys' values.
        copy.maxPerOrigin = 8
        copy.maxQueuedPerOrigin = 10_000
        #expect(configuration.copy == copy)
        var server = ServerConfiguration.defaults
        server.maxConnectionsPerAddress = 2_500
        server.maxRelaysPerAddress = 24
        #expect(configuration.server == server)
        #expect(configuration.pools.map(\.id.description) == ["local/dev", "s3/eu-central-1", "gcs/us-central1", "azure/westeurope"])
        #expect(configuration.origins.buckets.compactMap { ($0.settings as? S3BucketSettings)?.name } == ["my-artifacts"])
        #expect(configuration.origins.buckets.compactMap { ($0.settings as? GCSBucketSettings)?.name } == ["my-artifacts"])
        #expect(configuration.origins.buckets.compactMap { ($0.settings as? AzureContainerSettings)?.name } == ["releases"])
        let excluded = ["  sqlite:", "  local/dev:", "  networks:", "    passwordFile:", "    sentinelPasswordFile:"]
        let shared = try Configuration.reading(excluded.reduce(text) { Self.without($1, $0) }, Self.environment)
        #expect(shared.isStateShared)
        let keys = Configuration.outline(.standard).compactMap { step in
            switch step {
            case .value(let value): value.key
            case .begin(let key, _, _): key
            case .end: nil
            }
        }
        #expect(keys.count > 40)
        for key in keys {
            #expect(text.split(separator: "\n").contains { $0.drop { $0 == " " }.hasPrefix("\(key):") }, "\(key) is missing")
        }
    }

    /// The text without a key and what stands below it.
    private static func without(_ key: String, _ text: String) -> String {
        let indent = key.prefix { $0 == " " }.count
        var isBelow = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.hasPrefix(key) {
                isBelow = true
            } else if !line.isEmpty, line.prefix(while: { $0 == " " }).count <= indent {
                isBelow = false
            }
            return !isBelow
        }.joined(separator: "\n")
    }

    @Test(
        "The examples of the documentation are files that can be used", arguments: ["README.md", "docs/operations.md", "docs/clients.md"])
    func documented(page: String) throws {
        // The roles for Google's services are YAML, too.
        let text = try Self.checkedIn(page).split(separator: "<!-- policies -->").first ?? ""
        let blocks = text.split(separator: "```yaml\n").dropFirst().compactMap { $0.split(separator: "\n```").first }
        #expect(!blocks.isEmpty)
        for block in blocks { #expect(Configuration.problems(of: String(block), Self.environment) == [], "\(page)") }
    }

    @Test("Nothing in the generated texts depends on the machine")
    func neutral() {
        let texts = ConfigurationReference.markdown(.standard) + ConfigurationExample.yaml(.standard)
        #expect(!texts.contains("/root") && !texts.contains("/home/"))
    }

    private static func checkedIn(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()
        return String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(path)")), as: UTF8.self)
    }
}
