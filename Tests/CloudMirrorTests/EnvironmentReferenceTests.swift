import MirrorEngine
import Testing

@testable import MirrorNode
@testable import MirrorSettings

@Suite struct EnvironmentReferenceTests {
    private static let variables = ["KEY": "value", "EMPTY": "", "A_1": "x", "LOOP": "${KEY}"]

    @Test(
        "A reference is replaced by its variable, once",
        arguments: [
            ("plain", "plain"), ("${KEY}", "value"), ("a${KEY}b${A_1}", "avaluebx"), ("${EMPTY}", ""), ("$${KEY}", "${KEY}"),
            ("$$${KEY}", "$${KEY}"), ("cost $5 {a}$", "cost $5 {a}$"), ("^/a$", "^/a$"), ("${LOOP}", "${KEY}"), ("$KEY", "$KEY"),
        ])
    func expanded(text: String, result: String) throws {
        #expect(try EnvironmentReferences.expand(text, variable: { Self.variables[$0] }).get() == result)
    }

    @Test("Anything else behind ${ is an error", arguments: ["${", "${}", "${KEY", "${1A}", "${A B}", "${ÄÖ}", "x ${KEY:-y}"])
    func refused(text: String) {
        #expect(throws: InvalidValue.self) { try EnvironmentReferences.expand(text, variable: { Self.variables[$0] }).get() }
    }

    @Test("A variable that is not set is reported by its name")
    func unset() {
        #expect(
            Configuration.problems(of: minimalFile + "listen: \"${NOPE}\"\n") == [
                "mirror.yaml:3:9: listen: the environment variable NOPE is not set"
            ])
    }

    @Test("Values work in every place, keys are left alone")
    func places() throws {
        let environment = SettingsEnvironment.fake(variables: ["HOST": "a.example", "TIME": "9s", "DIR": "/pools"])
        let configuration = try Configuration.reading(
            """
            origins: {allow: ["https://${HOST}/"]}
            pools: {local/dev: {directory: "${DIR}/dev"}}
            redirect: {maxWait: "${TIME}"}
            """, environment)
        #expect(configuration.redirect.maxWait == .seconds(9))
        #expect(configuration.pools.map(\.directory) == ["/pools/dev"])
        #expect(Configuration.problems(of: minimalFile + "${HOST}: 1\n", environment).count == 1)
    }

    @Test("Neither a variable's value nor a token ever stands in a message or in a dump")
    func secrets() throws {
        let environment = SettingsEnvironment.fake(
            variables: ["BAD": "s3cret value"], files: ["/here/tokens": "s3cret in file\n"])
        let problems = Configuration.problems(
            of: minimalFile + "listen: \"${BAD}\"\nadmin: {tokens: [\"${BAD}\", \"s3cret literal\"], tokensFile: tokens}\n", environment)
        #expect(problems.count == 5)
        #expect(!problems.joined().contains("s3cret"))

        let configuration = try Configuration.reading(minimalFile + "admin: {tokens: [s3cret-but-good-token]}\n")
        #expect(configuration.admin.tokens.map(\.value) == ["s3cret-but-good-token"])
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!"\(configuration) \(String(reflecting: configuration)) \(dumped)".contains("s3cret"))
    }

    @Test("A token that can be guessed draws a warning")
    func shortToken() throws {
        #expect(
            try Configuration.reading(minimalFile + "admin: {tokens: [abc]}\n").warnings.map(\.description) == [
                "mirror.yaml:3:17: admin.tokens: a token is shorter than 16 characters and could be guessed; `openssl rand -hex 16` makes a stronger one"
            ])
        let environment = SettingsEnvironment.fake(files: ["/here/tokens": "a-token-that-is-long-enough\nabcde\nabcde\n"])
        let file = minimalFile + "admin: {tokens: [a-token-that-is-long-enough], tokensFile: tokens}\n"
        let warnings = try Configuration.reading(file, environment).warnings.map(\.description)
        #expect(warnings.count == 3)
        #expect(warnings.allSatisfy { $0.hasPrefix("mirror.yaml:3:") && $0.contains("admin.tokensFile: a token") })
        for words in ["is shorter than 16", "is listed twice", "is also in admin.tokens"] {
            #expect(warnings.contains { $0.contains(words) }, "\(words)")
        }
        #expect(!warnings.contains { $0.contains("abcde") })
    }

    @Test("A file that everybody can read and that holds a secret draws a warning; a reference to one is not a secret")
    func readableSecret() throws {
        func warnings(_ text: String) throws -> [String] {
            let environment = SettingsEnvironment.fake(
                variables: ["TOKEN": "a-token-that-is-long-enough"], files: ["/here/mirror.yaml": minimalFile + text],
                worldReadable: ["/here/mirror.yaml"])
            return try Configuration.load(file: "mirror.yaml", services: .standard, environment: environment).warnings.map(\.description)
        }
        #expect(try warnings("") == [])
        #expect(try warnings("admin: {tokens: [\"${TOKEN}\"]}\n") == [])
        let redis = { (url: String) in "state: {redis: {url: \"\(url)\"}}\n" }
        let buckets = "origins: {allow: [https://a.example/]}\npools: {s3/eu-central-1: {bucket: a-bucket, credentials: anonymous}}\n"
        func shared(_ url: String) throws -> Int {
            let environment = SettingsEnvironment.fake(
                files: ["/here/mirror.yaml": buckets + redis(url)], worldReadable: ["/here/mirror.yaml"])
            return try Configuration.load(file: "mirror.yaml", services: .standard, environment: environment).warnings.count
        }
        #expect(try shared("rediss://redis.example.org:6379/0") == 0)
        #expect(try shared("rediss://mirror:secret@redis.example.org:6379/0") == 1)
        let literal = try warnings("admin: {tokens: [a-token-that-is-long-enough]}\n")
        #expect(literal.count == 1)
        #expect(literal.first?.hasPrefix("mirror.yaml: the file contains a secret, and everyone on this machine can read it") == true)
    }
}
