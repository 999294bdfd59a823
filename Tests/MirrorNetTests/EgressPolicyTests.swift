import MirrorCore
import Testing

@testable import MirrorNet

@Suite struct EgressPolicyTests {
    @Test(
        "Without configuration every public https URL on port 443 is allowed",
        arguments: [
            ("https://example.org/a", nil),
            ("https://example.org:443/a", nil),
            ("https://8.8.8.8/", nil),
            ("https://[2606:4700::1]/", nil),
            ("http://example.org/a", .plainHTTP),
            ("https://example.org:8443/a", .notListed),
            ("https://example.org:80/a", .notListed),
            ("https://127.0.0.1/", .loopback),
            ("https://[::1]/", .loopback),
            ("https://[::ffff:10.0.0.1]/", .privateUse),
            ("https://169.254.169.254/latest/meta-data/", .metadata),
            ("https://localhost/", .name),
            ("https://LOCALHOST./", .name),
            ("https://metadata.google.internal/", .name),
            ("https://example.org/..%2f", nil),
        ] as [(String, EgressRefusal.Reason?)])
    func zeroConfiguration(_ url: String, _ expected: EgressRefusal.Reason?) throws {
        #expect(try refusal(of: url, by: EgressPolicy()) == expected)
    }

    @Test func httpHasItsOwnPortOnceItIsAllowed() throws {
        let policy = try EgressPolicy(requireHTTPS: false)
        #expect(try refusal(of: "http://example.org/", by: policy) == nil)
        #expect(try refusal(of: "https://example.org/", by: policy) == nil)
        #expect(try refusal(of: "http://example.org:443/", by: policy) == .notListed)
        #expect(try refusal(of: "http://example.org:8080/", by: policy) == .notListed)
    }

    @Test(
        "A prefix compares scheme, host, port and whole segments",
        arguments: [
            ("https://example.org/builds/", "https://example.org/builds/a", nil),
            ("https://example.org/builds/", "https://example.org/builds/", nil),
            ("https://example.org/builds/", "https://example.org/builds", .notListed),
            ("https://example.org/builds/", "https://example.org/builds/a?b=/../c", nil),
            ("https://example.org/builds/", "https://example.org/builds2/a", .notListed),
            ("https://example.org/builds/", "https://example.org/", .notListed),
            ("https://example.org/builds/", "https://example.org/Builds/a", .notListed),
            ("https://example.org/builds/", "https://EXAMPLE.org./b%75ilds/a", nil),
            ("https://example.org/builds", "https://example.org/builds", nil),
            ("https://example.org/builds", "https://example.org/builds/a", nil),
            ("https://example.org/builds", "https://example.org/builds2", .notListed),
            ("https://example.org/builds", "https://example.org/builds%2Fa", .notListed),
            ("https://example.org/builds/", "https://example.org:8443/builds/a", .notListed),
            ("https://example.org:8443/builds/", "https://example.org:8443/builds/a", nil),
            ("https://example.org:8443/builds/", "https://example.org/builds/a", .notListed),
            ("https://example.org/builds/", "https://example.org.evil.example/builds/a", .notListed),
            ("https://example.org/builds/", "https://a.example.org/builds/a", .notListed),
            ("https://example.org/builds/", "https://evil.example/https://example.org/builds/a", .notListed),
            ("https://example.org/builds/", "https://example.org/builds/../secret", .notListed),
            ("https://example.org/builds/", "https://example.org/builds/%2e%2e/secret", .notListed),
            // What a server might make of it after decoding.
            ("https://example.org/builds/", "https://example.org/builds/..%2fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/a%2f..%2F..%2fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%2e%2e%2fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%5csecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/a%5Cb", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..;/secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/a/..;x=1/b", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%3Bx/secret", .traversal),
            // Encoded twice and more often, and so often that this alone is odd.
            ("https://example.org/builds/", "https://example.org/builds/..%252fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%252e%252e%25252Fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%25252525252525252525252e", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/100%25/a", nil),
            // Overlong UTF-8 and look-alikes.
            ("https://example.org/builds/", "https://example.org/builds/..%c0%afsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%c0%ae%c0%ae%e0%80%afsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%c1%9csecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%EF%BC%8Fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%E2%80%A4%EF%BC%8E%2fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%c0%2fsecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%c1%1csecret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%E2%80%A5/secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%EF%B8%B0/secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%C2%A5secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%E2%82%A9secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%25u2215secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%25u002e%25U002E/secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/caf%C3%A9.bin", nil),
            ("https://example.org/builds/", "https://example.org/builds/caf%E9.bin", nil),
            ("https://example.org/builds/", "https://example.org/builds/%E6%97%A5%E6%9C%AC.bin", nil),
            ("https://example.org/builds/", "https://example.org/builds/%C2%A5100%E2%82%A9.bin", nil),
            ("https://example.org/builds/", "https://example.org/builds/%25u12.bin", nil),
            // Control characters and blanks that end a name or are dropped.
            ("https://example.org/builds/", "https://example.org/builds/..%00/secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%00x/secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/.%00./secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/a%2500.bin", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/.%0A./secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/..%20/secret", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/a%20b/c%09d", nil),
            ("https://example.org/builds/", "https://example.org/builds/.../a", nil),
            ("https://example.org/builds/", "https://example.org/builds/a;v=1..", nil),
            ("https://example.org/builds/", "https://example.org/builds/a;../b", nil),
            ("https://example.org/builds/", "https://example.org/builds/a..b%2Fc", nil),
            ("https://example.org/builds/", "https://example.org/builds/...%2Fc", nil),
            ("https://example.org/builds/", "https://example.org/builds/%252e%252e%252fc", .traversal),
            ("https://example.org/builds/", "https://example.org/builds/%FF%2F..", .traversal),
            ("https://example.org/", "https://example.org/a%2f..%2fb", nil),
            ("https://example.org", "https://example.org/a", nil),
        ] as [(String, String, EgressRefusal.Reason?)])
    func prefix(_ prefix: String, _ url: String, _ expected: EgressRefusal.Reason?) throws {
        let policy = try EgressPolicy(allow: [.prefix(try ArtifactURL(prefix))])
        #expect(try refusal(of: url, by: policy) == expected)
    }

    @Test func oneRuleIsEnough() throws {
        let policy = try EgressPolicy(allow: [
            .prefix(try ArtifactURL("https://a.example/x/")), .pattern(#"^https://b\.example/"#),
            .prefix(try ArtifactURL("https://a.example/")),
        ])
        #expect(try refusal(of: "https://a.example/x/..%2f", by: policy) == nil, "the third rule allows what the first refuses")
        #expect(try refusal(of: "https://b.example/x", by: policy) == nil)
        #expect(try refusal(of: "https://c.example/x", by: policy) == .notListed)
        #expect(try refusal(of: "https://c.example/x", by: EgressPolicy(allow: [])) == .notListed)
    }

    @Test func aListedHostIsGuardedAllTheSame() throws {
        let rule = EgressPolicy.AllowRule.prefix(try ArtifactURL("https://10.0.0.1/"))
        #expect(try refusal(of: "https://10.0.0.1/a", by: EgressPolicy(allow: [rule])) == .privateUse)
        let policy = try EgressPolicy(allow: [rule], allowAddresses: [try #require(IPNetwork("10.0.0.0/8"))])
        #expect(try refusal(of: "https://10.0.0.1/a", by: policy) == nil)
    }

    @Test func noRedirectLeadsFromHTTPSToHTTP() throws {
        let policy = try EgressPolicy(requireHTTPS: false)
        let secure = try ArtifactURL("https://example.org/")
        let plain = try ArtifactURL("http://example.org/")
        #expect(throws: EgressRefusal.self) { try policy.check(plain, after: secure) }
        try policy.check(plain, after: plain)
        try policy.check(secure, after: plain)
    }

    @Test func aRefusalKeepsTheQueryToItself() throws {
        let url = try ArtifactURL("https://example.org/a?signature=secret")
        let refusal = #expect(throws: EgressRefusal.self) { try EgressPolicy(allow: []).check(url) }
        #expect(refusal?.message.contains("secret") == false)
        #expect(refusal?.message.contains("origins.allow") == true)
    }

    @Test func everythingThatIsWrongWithTheRulesIsSaidAtOnce() throws {
        let rules: [EgressPolicy.AllowRule] = [
            .prefix(try ArtifactURL("https://example.org/?a")), .prefix(try ArtifactURL("http://example.org/")), .pattern("example"),
            .pattern(#"^http://example\.org/"#), .pattern(#"^https://example\.org/"#),
        ]
        let error = #expect(throws: EgressPolicyError.self) { try EgressPolicy(allow: rules, maxRedirects: -1) }
        #expect(error?.problems.count == 5)
    }

    @Test(
        "The first rule that allows a URL says which part of its query is in the name",
        arguments: [
            ("https://a.example/keep/x?a", .keep), ("https://a.example/drop/x?a", .drop), ("https://a.example/x?a", .dropSignatures),
            ("https://a.example/list/x?a", .only(QueryNames(["v"]))), ("https://b.example/x.bin?id=1", .keep),
            ("https://b.example/x.bin?a", .drop), ("https://c.example/?a", .dropSignatures),
            // It is not allowed by the first one, and so that one has no say.
            ("https://a.example/keep/..%2Fx?a", .dropSignatures), ("https://a.example/keeper?a", .dropSignatures),
        ] as [(String, QueryRule)])
    func queries(_ url: String, _ expected: QueryRule) throws {
        let policy = try EgressPolicy(allow: [
            .prefix(try ArtifactURL("https://a.example/keep"), query: .keep),
            .prefix(try ArtifactURL("https://a.example/drop"), query: .drop),
            .prefix(try ArtifactURL("https://a.example/list/"), query: .only(QueryNames(["v"]))),
            .prefix(try ArtifactURL("https://a.example/")), .pattern(#"^https://b\.example/.*\?id="#, query: .keep),
            .pattern(#"^https://b\.example/"#, query: .drop),
        ])
        #expect(try policy.queryRule(for: ArtifactURL(url)) == expected)
        #expect(try EgressPolicy().queryRule(for: ArtifactURL(url)) == .dropSignatures)
    }

    private func refusal(of url: String, by policy: EgressPolicy) throws -> EgressRefusal.Reason? {
        let url = try ArtifactURL(url)
        do {
            try policy.check(url)
            return nil
        } catch {
            return error.reason
        }
    }
}
