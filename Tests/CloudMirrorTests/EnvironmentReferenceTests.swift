import Testing

@testable import CloudMirror

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
        let environment = ConfigurationEnvironment.fake(variables: ["HOST": "a.example", "TIME": "9s", "DIR": "/pools"])
        let configuration = try Configuration.reading(
            """
            origins: {allow: ["https://${HOST}/"]}
            pools: {local/dev: {directory: "${DIR}/dev"}}
            redirect: {maxWait: "${TIME}"}
            """, environment)
        #expect(configuration.redirect.maxWait == .seconds(9))
        #expect(configuration.pools.map(\.storage) == [.local(directory: "/pools/dev")])
        #expect(Configuration.problems(of: minimalFile + "${HOST}: 1\n", environment).count == 1)
    }

    @Test("Neither a variable's value nor a token ever stands in a message or in a dump")
    func secrets() throws {
        let environment = ConfigurationEnvironment.fake(
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
                "mirror.yaml:3:17: admin.tokens: a token is shorter than 16 characters and may be guessed"
            ])
    }
}
