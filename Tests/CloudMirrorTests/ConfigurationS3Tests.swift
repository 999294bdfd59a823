import MirrorCore
import MirrorStorage
import MirrorNet
import MirrorEngine
import Testing

@testable import MirrorNode
@testable import MirrorSettings
@testable import StorageS3

@Suite struct ConfigurationS3Tests {
    private static let environment = SettingsEnvironment.fake(
        variables: ["KEY": "AKIDEXAMPLE", "SECRET": "the-secret-of-the-test", "TOKEN": "the-session-token"],
        files: ["/here/secret": "  the-secret-in-the-file \n"])

    private static func pool(_ settings: String, id: String = "s3/eu-central-1") throws -> S3PoolSettings {
        let file = "origins: {allow: [https://a.example/]}\npools: {\(id): {\(settings)}}\n"
        let pool = try #require(try Configuration.reading(file, environment).pools.first)
        guard let s3 = pool.settings as? S3PoolSettings else { throw Unexpected() }
        return s3
    }

    private struct Unexpected: Error {}

    @Test("A pool needs a bucket and nothing else: AWS, signed for the pool's own region, public, with the credentials of the AWS tools")
    func least() throws {
        let pool = try Self.pool("bucket: my-bucket")
        #expect(pool == S3PoolSettings(bucket: S3BucketSettings(name: "my-bucket", endpoint: .aws(region: "eu-central-1"))))
        #expect(pool.reading.access == .public)
        #expect(pool.bucket.credentials == .chain)
        #expect(pool.reading.keyPrefix.isEmpty)
    }

    @Test("Every key of a pool arrives")
    func full() throws {
        let file = """
            origins: {s3: [{bucket: artifacts, region: us-west-2, dualStack: true, credentials: {profile: reader}},
              {bucket: "With_Odd.Name", endpoint: "https://s3.example.org:9000/", credentials: anonymous}]}
            pools:
              s3/frankfurt:
                bucket: my.bucket
                endpoint: https://S3.example.org:9000
                region: auto
                addressing: path
                access: public
                publicURL: https://cdn.example.org/x/
                keyPrefix: team/a
                credentials: {accessKeyID: "${KEY}", secretAccessKey: "${SECRET}", sessionToken: "${TOKEN}"}
                retention: {timeToLive: 2d, maxBytes: 1GiB}
            """
        let configuration = try Configuration.reading(file, Self.environment)
        #expect(configuration.origins.policy.allow.isEmpty)
        #expect(
            configuration.origins.buckets.compactMap { $0.settings as? S3BucketSettings } == [
                S3BucketSettings(name: "artifacts", endpoint: .aws(region: "us-west-2", dualStack: true), credentials: .profile("reader")),
                S3BucketSettings(
                    name: "With_Odd.Name", endpoint: S3Endpoint(url: try ArtifactURL("https://s3.example.org:9000"), region: "us-east-1"),
                    credentials: .anonymous),
            ])
        #expect(configuration.pools.map(\.id.description) == ["s3/frankfurt"])
        #expect(configuration.pools.map(\.retention.timeToLive) == [.seconds(172_800)])
        let bucket = S3BucketSettings(
            name: "my.bucket",
            endpoint: S3Endpoint(url: try ArtifactURL("https://s3.example.org:9000"), region: "auto", addressing: .path),
            credentials: .keys(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: Secret("the-secret-of-the-test"), sessionToken: Secret("the-session-token")))
        #expect(
            configuration.pools.compactMap { $0.settings as? S3PoolSettings } == [
                S3PoolSettings(
                    bucket: bucket,
                    reading: BucketReading(publicURL: try ArtifactURL("https://cdn.example.org/x/"), keyPrefix: "team/a/"))
            ])
        #expect(configuration.warnings.isEmpty)
        #expect(!"\(configuration)".contains("the-secret-of-the-test"))
        #expect(!"\(configuration)".contains("the-session-token"))
    }

    @Test("A secret may stand in a file of its own")
    func secretFile() throws {
        let pool = try Self.pool("bucket: my-bucket, access: presigned, credentials: {accessKeyID: AKID, secretAccessKeyFile: secret}")
        #expect(
            pool.bucket.credentials
                == .keys(accessKeyID: "AKID", secretAccessKey: Secret("the-secret-in-the-file"), sessionToken: nil))
    }

    @Test("Two pools may share a bucket with a prefix each, and two servers may have a bucket of one name")
    func shared() throws {
        let file = """
            origins: {allow: [https://a.example/]}
            pools:
              s3/a: {bucket: shared, keyPrefix: a}
              s3/b: {bucket: shared, keyPrefix: b/}
              s3/c: {bucket: shared, endpoint: https://one.example}
              s3/d: {bucket: shared, endpoint: https://two.example}
            """
        #expect(try Configuration.reading(file).pools.count == 4)
    }

    @Test("An endpoint without TLS is worth a warning")
    func plainEndpoint() throws {
        let file = "origins: {allow: [https://a.example/]}\npools: {s3/a: {bucket: shared, endpoint: http://127.0.0.1:1}}\n"
        #expect(
            try Configuration.reading(file).warnings.map(\.description) == [
                "mirror.yaml:2:42: pools.s3/a.endpoint: uses plain HTTP: anyone on the network path can read and change what is copied"
            ])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var settings: String
        var problems: [String]

        var testDescription: String { settings }
    }

    @Test(
        "What is wrong with a pool is said with its key",
        arguments: [
            Bad(settings: "region: x", problems: ["bucket: is missing; write bucket: my-mirror-eu-central-1"]),
            Bad(
                settings: "bucket: My_Bucket",
                problems: [
                    "bucket: 'My_Bucket' is not a valid AWS bucket name; write 3 to 63 of a-z 0-9 - . that begin and end "
                        + "with a letter or digit"
                ]),
            Bad(
                settings: "bucket: 192.168.0.1",
                problems: [
                    "bucket: '192.168.0.1' is not a valid AWS bucket name; write 3 to 63 of a-z 0-9 - . that begin and end "
                        + "with a letter or digit"
                ]),
            Bad(settings: "bucket: a/b", problems: ["bucket: 'a/b' is not a bucket name; write letters, digits and - _ ."]),
            Bad(
                settings: "bucket: a.bucket, addressing: virtual",
                problems: ["addressing: no certificate covers host names that begin with 'a.bucket', because it has a dot; write `path`"]),
            Bad(
                settings: "bucket: A_bucket, addressing: virtual, endpoint: https://s3.example",
                problems: ["addressing: 'A_bucket' cannot be part of a host name; write `path`"]),
            Bad(
                settings: "bucket: bucket, endpoint: https://s3.example/path",
                problems: [
                    "endpoint: 'https://s3.example/path' has more than a scheme, host and port; write https://host or https://host:port"
                ]),
            Bad(
                settings: "bucket: bucket, endpoint: https://s3.example, dualStack: true",
                problems: ["dualStack: is for AWS only; the addresses of another endpoint are those that its name resolves to"]),
            Bad(
                settings: "bucket: bucket, access: private", problems: ["access: 'private' is not one of public, presigned"]),
            Bad(
                settings: "bucket: bucket, access: presigned, credentials: anonymous",
                problems: [
                    "access: cannot be presigned without credentials; remove `credentials: anonymous`"
                ]),
            Bad(
                settings: "bucket: bucket, keyPrefix: ../up",
                problems: [
                    "keyPrefix: '../up' is not a valid key prefix; write letters, digits and - _ . with single slashes, such as cloud-mirror/"
                ]),
            Bad(
                settings: "bucket: bucket, credentials: none",
                problems: ["credentials: must be anonymous, {profile: NAME} or {accessKeyID: …, secretAccessKey: …}"]),
            Bad(
                settings: "bucket: bucket, credentials: {profile: a, accessKeyID: b}",
                problems: ["credentials.accessKeyID: cannot be combined with profile; keep one of them"]),
            Bad(
                settings: "bucket: bucket, credentials: {secretAccessKey: b}",
                problems: [
                    "credentials.accessKeyID: is missing; write accessKeyID and secretAccessKey, or profile, or leave credentials out"
                ]),
            Bad(
                settings: "bucket: bucket, credentials: {accessKeyID: b}",
                problems: [#"credentials.secretAccessKey: is missing; write secretAccessKey: "${NAME}", or secretAccessKeyFile"#]),
            Bad(
                settings: "bucket: bucket, credentials: {accessKeyID: b, secretAccessKey: 'a b'}",
                problems: [
                    "credentials.secretAccessKey: its value contains a space, a control character or a character that is not ASCII"
                ]),
            Bad(
                settings: "bucket: bucket, credentials: {accessKeyID: b, secretAccessKeyFile: nowhere}",
                problems: ["credentials.secretAccessKeyFile: /here/nowhere cannot be read: No such file or directory"]),
            Bad(
                settings: "bucket: bucket, credentials: {acessKeyID: b, profile: p}",
                problems: ["credentials.acessKeyID: unknown key; did you mean 'accessKeyID'?"]),
        ])
    func problems(_ bad: Bad) {
        let file = "origins: {allow: [https://a.example/]}\npools: {s3/eu-central-1: {\(bad.settings)}}\n"
        let found = Configuration.problems(of: file, Self.environment).map { problem in
            problem.split(separator: ": ", maxSplits: 1).last.map { String($0.replacing("pools.s3/eu-central-1.", with: "")) } ?? problem
        }
        #expect(found == bad.problems)
    }

    @Test("A bucket that is there twice, and an origin without a region or without TLS, are reported")
    func between() {
        let file = """
            origins:
              s3:
                - {bucket: one-bucket}
                - {bucket: two-bucket, region: us-west-2}
                - {bucket: two-bucket, region: us-west-1}
                - {bucket: b, endpoint: http://127.0.0.1:1}
            pools:
              s3/a: {bucket: same-bucket}
              s3/b: {bucket: same-bucket, keyPrefix: x}
              s3/c: {bucket: same-bucket, keyPrefix: x/}
            """
        #expect(
            Configuration.problems(of: file) == [
                "mirror.yaml:3:7: origins.s3[0].region: is missing; write region: us-west-2",
                "mirror.yaml:5:16: origins.s3[2].bucket: is already in the list",
                "mirror.yaml:6:29: origins.s3[3].endpoint: uses plain HTTP, but origins.requireHTTPS is true",
                "mirror.yaml:10:18: pools.s3/c.bucket: is already the bucket of the pool s3/b; give each pool its own bucket or keyPrefix",
            ])
    }

    @Test("Without any origin the file is not complete")
    func noOrigins() {
        #expect(
            Configuration.problems(of: "origins: {requireHTTPS: true}\npools: {local/dev: {directory: a}}\n") == [
                "mirror.yaml:1:10: origins.allow: is missing"
            ])
    }
}
