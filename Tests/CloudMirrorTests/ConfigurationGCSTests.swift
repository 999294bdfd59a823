import MirrorCore
import MirrorStorage
import MirrorNet
import MirrorEngine
import Testing

@testable import MirrorNode
@testable import MirrorSettings
@testable import StorageGCS

@Suite struct ConfigurationGCSTests {
    private static let environment = SettingsEnvironment.fake(
        variables: ["ID": "GOOGEXAMPLE", "SECRET": "the-secret-of-the-test"], files: ["/here/secret": "  the-secret-in-the-file \n"])

    private static func pool(_ settings: String, id: String = "gcs/us-central1") throws -> GCSPoolSettings {
        let file = "origins: {allow: [https://a.example/]}\npools: {\(id): {\(settings)}}\n"
        let pool = try #require(try Configuration.reading(file, environment).pools.first)
        guard let gcs = pool.settings as? GCSPoolSettings else { throw Unexpected() }
        return gcs
    }

    private struct Unexpected: Error {}

    @Test("A pool needs a bucket and nothing else: Google's service, public, in the pool's region, with the credentials of Google's tools")
    func least() throws {
        let pool = try Self.pool("bucket: my-bucket")
        #expect(pool == GCSPoolSettings(bucket: GCSBucketSettings(name: "my-bucket"), location: "us-central1"))
        #expect(pool.reading.access == .public)
        #expect(pool.bucket.credentials == .chain)
        #expect(pool.bucket.endpoint == .google)
        #expect(pool.project == nil)
    }

    @Test("Every key of a pool arrives")
    func full() throws {
        let file = """
            origins: {gcs: [{bucket: artifacts, credentials: {file: reader.json}},
              {bucket: other_one.example, endpoint: "https://storage.example.org:9000/", credentials: anonymous}]}
            pools:
              gcs/main:
                bucket: my-bucket
                endpoint: https://Storage.example.org
                region: EU
                project: my-project
                access: presigned
                publicURL: https://cdn.example.org/x/
                keyPrefix: team/a
                credentials: {accessID: "${ID}", secret: "${SECRET}"}
                retention: {timeToLive: 2d, maxBytes: 1GiB}
              gcs/other: {bucket: second-bucket, credentials: {file: /etc/key.json, impersonate: mirror@my-project.iam.gserviceaccount.com}}
            """
        let configuration = try Configuration.reading(file, Self.environment)
        #expect(configuration.origins.policy.allow.isEmpty)
        #expect(
            configuration.origins.buckets.compactMap { $0.settings as? GCSBucketSettings } == [
                GCSBucketSettings(name: "artifacts", credentials: .found(file: "/here/reader.json", impersonated: nil)),
                GCSBucketSettings(
                    name: "other_one.example", endpoint: GCSEndpoint(try ArtifactURL("https://storage.example.org:9000")),
                    credentials: .anonymous),
            ])
        #expect(configuration.pools.map(\.id.description) == ["gcs/main", "gcs/other"])
        let bucket = GCSBucketSettings(
            name: "my-bucket", endpoint: GCSEndpoint(try ArtifactURL("https://storage.example.org")),
            credentials: .keys(accessID: "GOOGEXAMPLE", secret: Secret("the-secret-of-the-test")))
        let other = GCSBucketSettings(
            name: "second-bucket",
            credentials: .found(file: "/etc/key.json", impersonated: "mirror@my-project.iam.gserviceaccount.com"))
        #expect(
            configuration.pools.compactMap { $0.settings as? GCSPoolSettings } == [
                GCSPoolSettings(
                    bucket: bucket,
                    reading: BucketReading(
                        access: .presigned, publicURL: try ArtifactURL("https://cdn.example.org/x/"), keyPrefix: "team/a/"),
                    location: "eu", project: "my-project"), GCSPoolSettings(bucket: other, location: "other"),
            ])
        #expect(configuration.warnings.isEmpty)
        #expect(!"\(configuration)".contains("the-secret-of-the-test"))
    }

    @Test("A secret may stand in a file of its own")
    func secretFile() throws {
        let pool = try Self.pool("bucket: my-bucket, access: presigned, credentials: {accessID: GOOG1, secretFile: secret}")
        #expect(pool.bucket.credentials == .keys(accessID: "GOOG1", secret: Secret("the-secret-in-the-file")))
    }

    @Test("Two pools may share a bucket with a prefix each, and two servers may have a bucket of one name, but Google's are one server")
    func shared() throws {
        let file = """
            origins: {allow: [https://a.example/]}
            pools:
              gcs/a: {bucket: shared, keyPrefix: a}
              gcs/b: {bucket: shared, keyPrefix: b/}
              gcs/c: {bucket: shared, endpoint: https://one.example}
              gcs/d: {bucket: shared, endpoint: https://two.example}
            """
        #expect(try Configuration.reading(file).pools.count == 4)
        let twice = """
            origins: {allow: [https://a.example/]}
            pools:
              gcs/a: {bucket: shared}
              gcs/b: {bucket: shared, endpoint: https://storage.us-central1.rep.googleapis.com}
            """
        #expect(
            Configuration.problems(of: twice) == [
                "mirror.yaml:4:19: pools.gcs/b.bucket: is already the bucket of the pool gcs/a; give each pool its own bucket or keyPrefix"
            ])
    }

    @Test("An endpoint without TLS is worth a warning")
    func plainEndpoint() throws {
        let file = "origins: {allow: [https://a.example/]}\npools: {gcs/a: {bucket: shared, endpoint: http://127.0.0.1:1}}\n"
        #expect(
            try Configuration.reading(file).warnings.map(\.description) == [
                "mirror.yaml:2:43: pools.gcs/a.endpoint: uses plain HTTP: anyone on the network path can read and change what is copied"
            ])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var settings: String
        var problems: [String]

        var testDescription: String { settings }
    }

    private static let names = "is not a valid bucket name; write 3 to 63 of a-z 0-9 - _ . that begin and end with a letter or digit"

    @Test(
        "What is wrong with a pool is said with its key",
        arguments: [
            Bad(settings: "project: x", problems: ["bucket: is missing; write bucket: my-mirror-us-central1"]),
            Bad(settings: "bucket: My-Bucket", problems: ["bucket: 'My-Bucket' \(names)"]),
            Bad(settings: "bucket: ab", problems: ["bucket: 'ab' \(names)"]),
            Bad(settings: "bucket: -abc", problems: ["bucket: '-abc' \(names)"]),
            Bad(settings: "bucket: a/b", problems: ["bucket: 'a/b' \(names)"]),
            Bad(settings: "bucket: a..b", problems: ["bucket: 'a..b' \(names)"]),
            Bad(settings: "bucket: 192.168.0.1", problems: ["bucket: '192.168.0.1' \(names)"]),
            Bad(
                settings: "bucket: bucket, endpoint: https://storage.example/path",
                problems: [
                    "endpoint: 'https://storage.example/path' has more than a scheme, host and port; write https://host or https://host:port"
                ]),
            Bad(
                settings: "bucket: bucket, region: us_central1",
                problems: ["region: 'us_central1' is not a location name; write one such as us-central1 or eu"]),
            Bad(
                settings: "bucket: bucket, project: My Project",
                problems: ["project: 'My Project' is not a project; write its ID, such as my-project-123"]),
            Bad(
                settings: "bucket: bucket, access: private", problems: ["access: 'private' is not one of public, presigned"]),
            Bad(
                settings: "bucket: bucket, access: presigned, credentials: anonymous",
                problems: ["access: cannot be presigned without credentials; remove `credentials: anonymous`"]),
            Bad(
                settings: "bucket: bucket, keyPrefix: ../up",
                problems: [
                    "keyPrefix: '../up' is not a valid key prefix; write letters, digits and - _ . with single slashes, such as cloud-mirror/"
                ]),
            Bad(
                settings: "bucket: bucket, credentials: none",
                problems: ["credentials: must be anonymous, {file: PATH}, {impersonate: ACCOUNT} or {accessID: …, secret: …}"]),
            Bad(
                settings: "bucket: bucket, credentials: {file: a, accessID: b}",
                problems: ["credentials.accessID: cannot be combined with file; keep one of them"]),
            Bad(
                settings: "bucket: bucket, credentials: {impersonate: me}",
                problems: [
                    "credentials.impersonate: 'me' is not the address of a service account; write name@project.iam.gserviceaccount.com"
                ]),
            Bad(
                settings: "bucket: bucket, credentials: {secret: b}",
                problems: [
                    "credentials.accessID: is missing; write accessID and secret, or file, or impersonate, or leave credentials out"
                ]),
            Bad(
                settings: "bucket: bucket, credentials: {accessID: b}",
                problems: [#"credentials.secret: is missing; write secret: "${NAME}", or secretFile"#]),
            Bad(
                settings: "bucket: bucket, credentials: {accessID: b, secretFile: nowhere}",
                problems: ["credentials.secretFile: /here/nowhere cannot be read: No such file or directory"]),
            Bad(
                settings: "bucket: bucket, credentials: {acessID: b, file: p}",
                problems: ["credentials.acessID: unknown key; did you mean 'accessID'?"]),
        ])
    func problems(_ bad: Bad) {
        let file = "origins: {allow: [https://a.example/]}\npools: {gcs/us-central1: {\(bad.settings)}}\n"
        let found = Configuration.problems(of: file, Self.environment).map { problem in
            problem.split(separator: ": ", maxSplits: 1).last.map { String($0.replacing("pools.gcs/us-central1.", with: "")) } ?? problem
        }
        #expect(found == bad.problems)
    }

    @Test("A bucket that is there twice, and an origin without TLS, are reported")
    func between() {
        let file = """
            origins:
              gcs:
                - {bucket: one-bucket}
                - {bucket: one-bucket, credentials: anonymous}
                - {bucket: one-bucket, endpoint: http://127.0.0.1:1}
            pools:
              gcs/a: {bucket: same-bucket}
            """
        #expect(
            Configuration.problems(of: file) == [
                "mirror.yaml:4:16: origins.gcs[1].bucket: is already in the list",
                "mirror.yaml:5:38: origins.gcs[2].endpoint: uses plain HTTP, but origins.requireHTTPS is true",
            ])
    }
}
