import MirrorCore
import MirrorEngine
import Testing

@testable import MirrorNode
@testable import MirrorSettings

@Suite struct ConfigurationRedisTests {
    private static let environment = SettingsEnvironment.fake(
        variables: ["REDIS_PASSWORD": "the-secret-of-the-test"],
        files: [
            "/here/password": "the-secret-in-the-file\n", "/here/ca.pem": sampleCertificate, "/here/no-pem": "-",
            "/here/damaged.pem": sampleCertificate.replacing("MIIB", with: "MIIX"),
        ])

    private static func read(
        _ state: String, pools: String = "s3/eu-central-1: {bucket: my-mirror}", rest: String = ""
    ) throws -> Configuration {
        let lines = ["origins: {allow: [https://a.example/]}", "pools: {\(pools)}", "state: {\(state)}", rest, ""]
        return try Configuration.reading(lines.joined(separator: "\n"), environment)
    }

    private static func redis(_ settings: String) throws -> Configuration.Redis {
        guard case .redis(let redis) = try read("redis: {\(settings)}").state else { throw Unexpected() }
        return redis
    }

    private struct Unexpected: Error {}

    private static func problems(_ body: () throws -> Configuration) -> String {
        do throws {
            _ = try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("Redis needs a URL and nothing else")
    func least() throws {
        let redis = try Self.redis("url: redis://127.0.0.1:6379")
        #expect(redis == Configuration.Redis(url: try Configuration.RedisURL("redis://127.0.0.1:6379")))
        #expect(redis.prefix == "cloud-mirror")
    }

    @Test("Every key arrives, and no secret is ever shown")
    func full() throws {
        let configuration = try Self.read(
            """
            redis: {url: "rediss+sentinel://mirror@redis.example.org:26380/main/2", prefix: "team-a:mirror", passwordFile: password,
              sentinelPasswordFile: password, certificateAuthority: ca.pem, timeout: 300ms, staleLife: 5m}
            """)
        guard case .redis(let redis) = configuration.state else { throw Unexpected() }
        #expect(redis.url.text.value == "rediss+sentinel://mirror@redis.example.org:26380/main/2")
        #expect(redis.prefix == "team-a:mirror")
        #expect(redis.password == Secret("the-secret-in-the-file"))
        #expect(redis.sentinelPassword == Secret("the-secret-in-the-file"))
        #expect(redis.certificateAuthority?.count == 1)
        #expect(redis.timeout == .milliseconds(300))
        #expect(redis.staleLife == .seconds(300))
        #expect(!"\(configuration)".contains("the-secret"))
    }

    @Test(
        "What is wrong with the settings is said, and where",
        arguments: [
            ("redis: {url: \"http://127.0.0.1\"}", "state.redis.url"),
            ("redis: {prefix: x}", "state.redis.url"),
            ("redis: {url: \"redis://h\", prefix: \"a{b}\"}", "state.redis.prefix"),
            ("redis: {url: \"redis://h\", timeout: 1ms}", "state.redis.timeout"),
            ("redis: {url: \"redis://h\", passwordFile: nowhere}", "state.redis.passwordFile"),
            ("redis: {url: \"redis://h\", certificateAuthority: nowhere}", "state.redis.certificateAuthority"),
            ("redis: {url: \"redis://mirror@h\"}", "state.redis.url"),
            ("redis: {url: \"redis://h\"}, sqlite: {path: /x}", "state.sqlite"),
        ])
    func wrong(_ state: String, _ key: String) {
        #expect(Self.problems { try Self.read(state) }.contains(" \(key)"))
    }

    @Test(
        "What would be ignored, or would keep the service from starting, is a problem of its line",
        arguments: [
            ("url: rediss://h, certificateAuthority: no-pem", "certificateAuthority: /here/no-pem contains no PEM certificate"),
            ("url: rediss://h, certificateAuthority: damaged.pem", "certificateAuthority: /here/damaged.pem contains no PEM certificate"),
            ("url: redis://h, certificateAuthority: ca.pem", "certificateAuthority: is set, but the URL does not use TLS: write rediss://"),
            ("url: redis+cluster://h, sentinelPasswordFile: password", "sentinelPasswordFile: is set, but the URL names no sentinels"),
            (
                "url: \"redis://:${REDIS_PASSWORD}@h\", passwordFile: password",
                "passwordFile: cannot be combined with the password in the URL"
            ),
            ("url: redis+sentinel://h/my%20main", "url: its value is not a Redis URL: the name of the master"),
            ("url: nonsense://h", "url: its value is not a Redis URL: unknown scheme: use redis, "),
            ("url: \"redis://\"", "url: its value is not a Redis URL: a host is missing"),
        ])
    func startsNot(_ settings: String, _ said: String) {
        let problems = Self.problems { try Self.read("redis: {\(settings)}") }.split(separator: "\n")
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("mirror.yaml:3:") == true)
        #expect(problems.first?.contains(": state.redis.\(said)") == true, "\(problems)")
        #expect(!problems.contains { $0.contains("the-secret") })
    }

    @Test("The password of a URL is read, and so is what stands beside it")
    func password() throws {
        let redis = try Self.redis("url: \"rediss://mirror:${REDIS_PASSWORD}@h/3\", certificateAuthority: ca.pem")
        #expect(redis.url.text.value == "rediss://mirror:the-secret-of-the-test@h/3")
        #expect(redis.password == nil)
        #expect(redis.certificateAuthority?.count == 1)
        #expect(!"\(redis)".contains("the-secret"))
    }

    @Test("The user stands in the URL and the password in a file")
    func user() throws {
        let redis = try Self.redis("url: rediss://mirror@redis.example.org, passwordFile: password")
        #expect(redis.url.text.value == "rediss://mirror@redis.example.org")
        #expect(redis.password == Secret("the-secret-in-the-file"))
    }

    @Test("A password in a URL that is wrong is not repeated")
    func quiet() {
        let said = Self.problems { try Self.read("redis: {url: \"nonsense://mirror:${REDIS_PASSWORD}@h\"}") }
        #expect(said.contains("state.redis.url"))
        #expect(!said.contains("the-secret"))
    }

    @Test("A directory of one machine is no pool for many")
    func local() {
        let said = Self.problems { try Self.read("redis: {url: \"redis://h\"}", pools: "local/dev: {directory: /x}") }
        #expect(said.contains("local/dev is a directory on one machine"))
    }

    @Test("Nobody would copy when a front end does not, and there can be no copier")
    func nobody() throws {
        #expect(Self.problems { try Self.read("", rest: "copy: {frontEnd: never}") }.contains("no other process can copy"))
        #expect(try Self.read("redis: {url: \"redis://h\"}", rest: "copy: {frontEnd: never}").copy.frontEnd == .never)
    }
}
