import MirrorEngine
import Testing

@testable import MirrorNode
@testable import MirrorSettings

@Suite("Which policy a pool has that sets none")
struct DefaultPolicyTests {
    private static func policy(
        _ pool: String, retention: String = "", in environment: SettingsEnvironment = .fake()
    ) throws -> RetentionConfiguration.Policy? {
        let file = "origins: {allow: [https://a.example/]}\nretention: {\(retention)}\npools: {\(pool)}\n"
        return try Configuration.reading(file, environment).pools.first?.retention.policy
    }

    private static let bucket = "s3/us-west-2: {bucket: my-mirror"

    @Test(
        "By cost in the clouds' own services, and by time in directories, on other servers, and where a time is set",
        arguments: [
            ("\(bucket)}", .cost), ("gcs/us-central1: {bucket: my-mirror}", .cost),
            ("azure/westeurope: {account: mymirror, container: mirror}", .cost), ("\(bucket), retention: {maxBytes: 1TiB}}", .cost),
            ("\(bucket), retention: {timeToLive: 2d}}", .ttl), ("\(bucket), retention: {timeToLive: 2d, policy: cost}}", .cost),
            ("\(bucket), retention: {policy: ttl}}", .ttl), ("\(bucket), endpoint: https://s3.example.org}", .ttl),
            ("gcs/us-central1: {bucket: my-mirror, endpoint: https://storage.example.org}", .ttl),
            ("azure/westeurope: {account: mymirror, container: mirror, endpoint: https://mymirror.blob.example.org}", .ttl),
            ("local/dev: {directory: /pool}", .ttl), ("local/dev: {directory: /pool, retention: {policy: cost}}", .cost),
        ] as [(String, RetentionConfiguration.Policy)])
    func standard(_ pool: String, _ expected: RetentionConfiguration.Policy) throws {
        #expect(try Self.policy(pool) == expected)
    }

    @Test("A policy for all pools comes before that of their kind, and a pool's own before both")
    func chosen() throws {
        #expect(try Self.policy("\(Self.bucket)}", retention: "policy: ttl") == .ttl)
        #expect(try Self.policy("local/dev: {directory: /pool, retention: {timeToLive: 2d}}", retention: "policy: cost") == .cost)
        #expect(try Self.policy("\(Self.bucket), retention: {policy: cost}}", retention: "policy: ttl") == .cost)
    }

    @Test("By time where the price table does not have the pool")
    func unpriced() throws {
        let environment = SettingsEnvironment.fake(files: ["/here/prices.json": #"{"asOf": "2026-01-31", "rows": []}"#])
        #expect(try Self.policy("\(Self.bucket)}", retention: "prices: prices.json", in: environment) == .ttl)
    }
}
