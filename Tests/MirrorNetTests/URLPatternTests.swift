import MirrorCore
import Testing

@testable import MirrorNet

@Suite struct URLPatternTests {
    @Test(
        "A pattern matches canonical URLs",
        arguments: [
            (#"^https://s3\.us-west-2\.amazonaws\.com/public-artifacts/"#, "https://s3.us-west-2.amazonaws.com/public-artifacts/a/b", true),
            (#"^https://s3\.us-west-2\.amazonaws\.com/public-artifacts/"#, "https://s3.us-west-2.amazonaws.com/private/", false),
            (
                #"^https://s3\.us-west-2\.amazonaws\.com/public-artifacts/"#,
                "https://s3.us-west-2.amazonaws.com.evil.example/public-artifacts/", false
            ),
            (#"^https://a\.example/"#, "https://a.example/", true),
            (#"^https://a\.example/"#, "https://axexample/", false),
            (#"^https://a\.example/"#, "http://a.example/", false),
            (#"^https://a\.example/"#, "https://a.example:8443/", false),
            (#"^https://a\.example:8443/"#, "https://a.example:8443/x", true),
            (#"^https:\/\/a\.example\/x\/"#, "https://a.example/x/y", true),
            (#"^http://a-b\.example/"#, "http://a-b.example/", true),
            (#"^http://a\-b\.example/"#, "http://a-b.example/", true),
            (#"^https://a\.example/.*\.whl$"#, "https://a.example/x/y.whl", true),
            (#"^https://a\.example/.*\.whl$"#, "https://a.example/x/y.whl?z", false),
            (#"^https://a\.example/.*\.whl$"#, "https://a.example/x/y.whl.exe", false),
            (#"^https://a\.example/.*\.whl"#, "https://a.example/x/y.whl.exe", true),
            (#"^https://a\.example/$"#, "https://a.example/", true),
            (#"^https://a\.example/$"#, "https://a.example/x", false),
            (#"^https://a\.example/[a-f0-9]{4}/\d+$"#, "https://a.example/0aF0/12", false),
            (#"^https://a\.example/[a-f0-9]{4}/\d+$"#, "https://a.example/0af0/12", true),
            (#"^https://a\.example/[a-f0-9]{4}/\d+$"#, "https://a.example/0af/12", false),
            (#"^https://a\.example/[a-f0-9]{4}/\d+$"#, "https://a.example/0af0/", false),
            (#"^https://a\.example/x{2,3}$"#, "https://a.example/x", false),
            (#"^https://a\.example/x{2,3}$"#, "https://a.example/xxx", true),
            (#"^https://a\.example/x{2,3}$"#, "https://a.example/xxxx", false),
            (#"^https://a\.example/x{2,}$"#, "https://a.example/xxxxxx", true),
            (#"^https://a\.example/x{0}y$"#, "https://a.example/y", true),
            (#"^https://a\.example/(?:builds|releases)/"#, "https://a.example/releases/1", true),
            (#"^https://a\.example/(builds|releases)/"#, "https://a.example/secrets/1", false),
            (#"^https://a\.example/(a|)(b|c|)d$"#, "https://a.example/d", true),
            (#"^https://a\.example/(a|)(b|c|)d$"#, "https://a.example/acd", true),
            (#"^https://a\.example/(a|)(b|c|)d$"#, "https://a.example/bbd", false),
            (#"^https://a\.example/(?:a+)?b*?$"#, "https://a.example/aabb", true),
            (#"^https://a\.example/[^/]+/file$"#, "https://a.example/x/file", true),
            (#"^https://a\.example/[^/]+/file$"#, "https://a.example/x/y/file", false),
            (#"^https://a\.example/[\w.-]+$"#, "https://a.example/a_B-1.c", true),
            (#"^https://a\.example/[a-]$"#, "https://a.example/-", true),
            (#"^https://a\.example/x\?y=\S+$"#, "https://a.example/x?y=1", true),
            (#"^https://a\.example/(a*)*$"#, "https://a.example/aaab", false),
        ])
    func matches(_ pattern: String, _ url: String, _ expected: Bool) throws {
        #expect(try URLPattern(pattern).matches(ArtifactURL(url)) == expected)
    }

    @Test(
        "A pattern that could mean more than its host is refused",
        arguments: [
            "", "^", "https://a/", "a", "^ftp://a/", "^https?://a/", "^(http|https)://a/", ".*", "^.*", "^https://", "^https:///",
            "^https://a",
            #"^https://a\.example"#, #"^https://a\.example$"#, #"^https://a.example/"#, #"^https://.*\.example/"#,
            #"^https://[a-z]\.example/"#,
            #"^https://(a|b)\.example/"#, #"^https://a\.example.*/"#, #"^https://a\.example?/"#, #"^https://A\.example/"#,
            #"^https://a@b/"#, #"^https://a%2e/"#,
            #"^https://a\.example:99999/"#, #"^https://127\.1/"#, #"^https://a\.\.b/"#, #"^https://\d\.example/"#,
            // Alternatives would begin again without the host.
            #"^https://a\.example/|.*"#, #"^https://a\.example/x|^https://b\.example/"#, #"^https://a\.example/|"#,
            // Syntax.
            #"^https://a\.example/("#, #"^https://a\.example/)"#, #"^https://a\.example/(?=a)"#, #"^https://a\.example/(?<n>a)"#,
            #"^https://a\.example/(a)\1"#,
            #"^https://a\.example/["#, #"^https://a\.example/[]"#, #"^https://a\.example/[z-a]"#, #"^https://a\.example/(*)"#,
            #"^https://a\.example/a**"#, #"^https://a\.example/a{2}{3}"#, #"^https://a\.example/a{,3}"#, #"^https://a\.example/a{3,2}"#,
            #"^https://a\.example/a{"#,
            #"^https://a\.example/a{x}"#, #"^https://a\.example/a{1000}"#, #"^https://a\.example/a{}"#, #"^https://a\.example/a{1,2,3}"#,
            #"^https://a\.example/\b"#, #"^https://a\.example/\"#,
            #"^https://a\.example/a$b"#, #"^https://a\.example/a^b"#, #"^https://a\.example/é"#, #"^https://a\.example/[é]"#,
            // Size.
            #"^https://a\.example/(?:a{999}){999}"#, #"^https://a\.example/(?:(?:(?:){999}){999}){999}"#,
            #"^https://a\.example/"# + String(repeating: "(", count: 40) + String(repeating: ")", count: 40),
            #"^https://a\.example/"# + String(repeating: "a", count: 1_001),
        ])
    func refused(_ pattern: String) {
        #expect(throws: EgressPolicyError.self) { try URLPattern(pattern) }
    }

    /// A backtracking engine would not come back from these before the sun goes out; this one takes milliseconds.
    @Test(
        "A hostile URL costs no more than its length", .timeLimit(.minutes(5)),
        arguments: [
            #"^https://a\.example/(a+)+$"#, #"^https://a\.example/(a|a)*$"#, #"^https://a\.example/(a*)*b$"#,
            #"^https://a\.example/.*.*.*.*.*x$"#,
            #"^https://a\.example/(?:a?){30}a{30}$"#, #"^https://a\.example/((a*)*)*b"#,
        ])
    func linearTime(_ pattern: String) throws {
        let url = try ArtifactURL("https://a.example/" + String(repeating: "a", count: 8_000) + "!")
        #expect(try !URLPattern(pattern).matches(url))
    }

    @Test func theWholeHostIsRecognised() throws {
        #expect(try URLPattern(#"^https://a\.example/"#).isWholeHost)
        #expect(try URLPattern(#"^https://a\.example/.*"#).isWholeHost)
        #expect(try !URLPattern(#"^https://a\.example/b/"#).isWholeHost)
        let policy = try EgressPolicy(allow: [.pattern(#"^https://a\.example/b/"#)])
        let refusal = #expect(throws: EgressRefusal.self) { try policy.check(try ArtifactURL("https://a.example/b/..%2fsecret")) }
        #expect(refusal?.reason == .traversal)
    }
}
