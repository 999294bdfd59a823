import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorSettings
import NamedOrigins
import Testing

@testable import MirrorNode

@Suite struct ConfigurationNamedTests {
    private static let pools = "pools: {local/dev: {directory: /pool}}\n"

    @Test func `three lines serve an ecosystem, and need no rule of what may be fetched`() throws {
        let configuration = try Configuration.reading(
            Self.pools + """
                origins:
                  named:
                    pip: {url: https://pypi.org, preset: python}
                """)
        let pip = try #require(configuration.origins.named.first)
        #expect(pip.name == "pip")
        #expect(pip.url.description == "https://pypi.org/")
        #expect(pip.rules == Preset.python.rules)
        #expect(pip.links.map(\.url.description) == ["https://files.pythonhosted.org/"])
        #expect(pip.delivery == .redirect && pip.credentials == .none && !pip.exchangesTokens)
        let policy = configuration.origins.policy
        #expect(policy.allow.count == 2)
        try policy.check(try ArtifactURL("https://pypi.org/simple/six/"))
        try policy.check(try ArtifactURL("https://files.pythonhosted.org/packages/a.whl"))
        #expect(throws: (any Error).self) { try policy.check(try ArtifactURL("https://example.org/")) }
    }

    @Test func `a rule of one's own comes before those of the preset`() throws {
        let configuration = try Configuration.reading(
            Self.pools + """
                origins:
                  named:
                    files:
                      url: https://files.example.org/base
                      preset: oci
                      delivery: inline
                      links: [https://other.example.org/x]
                      credentials: {user: reader, passwordFile: /secret}
                      rules:
                      - {path: '**/*.bin', class: mirrored, inline: 64KiB, query: drop, digest: link, refuseHTML: true, wait: 3s, miss: redirect-and-copy}
                      - {path: '/index/{name}', class: rewritten, links: html, life: 5m}
                      - {path: '/search', class: passed, methods: any}
                      - {path: '/private/**', class: refused}
                      - {path: '/sums/{digest:hex40}', class: mirrored, digest: path}
                """, .fake(files: ["/secret": "hush\n"]))
        let files = try #require(configuration.origins.named.first)
        #expect(files.url.description == "https://files.example.org/base/")
        #expect(files.links.map(\.url.description) == ["https://other.example.org/x/"])
        #expect(files.delivery == .inline)
        #expect(files.credentials == .basic(user: "reader", password: Secret("hush")))
        #expect(files.exchangesTokens)
        #expect(
            Array(files.rules.prefix(5)) == [
                OriginRule(
                    try PathPattern("**/*.bin"), .mirrored, inlineLimit: 65_536, query: .drop, digest: .link, refusesHTML: true,
                    wait: .seconds(3), miss: .redirectAndCopy),
                OriginRule(try PathPattern("/index/{name}"), .rewritten(.html), life: .seconds(300), query: .keep),
                OriginRule(try PathPattern("/search"), .passed, methods: .any, query: .keep),
                OriginRule(try PathPattern("/private/**"), .refused, methods: .any, query: .keep),
                OriginRule(try PathPattern("/sums/{digest:hex40}"), .mirrored, digest: .path(.sha1)),
            ])
        #expect(Array(files.rules.dropFirst(5)) == Preset.oci.rules)
    }

    @Test(
        "Credentials are a word, a user, a token or a header field",
        arguments: [
            ("none", .none), ("client", .client), ("{tokenFile: /secret}", .bearer(Secret("hush"))),
            ("{token: abc}", .bearer(Secret("abc"))),
            ("{header: X-Key, valueFile: /secret}", .field(name: "X-Key", value: Secret("hush"))),
            ("{user: me, password: pw}", .basic(user: "me", password: Secret("pw"))),
        ] as [(String, UpstreamCredentials)])
    func credentials(_ text: String, _ expected: UpstreamCredentials) throws {
        let configuration = try Configuration.reading(
            Self.pools + "origins: {named: {x: {url: https://x.example.org/, preset: npm, credentials: \(text)}}}\n",
            .fake(files: ["/secret": "hush\n"]))
        #expect(configuration.origins.named.first?.credentials == expected)
    }

    @Test(
        "What is wrong with a named origin is reported at its place",
        arguments: [
            ("pip: {preset: python}", ["3:10: origins.named.pip.url: is missing; write url: https://origin.example.org/"]),
            (
                "Pip: {url: https://a.example.org/, preset: python}",
                [
                    "3:5: origins.named.Pip: 'Pip' is not a name for an origin; write 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit, such as pip"
                ]
            ),
            (
                "a.b: {url: https://a.example.org/, preset: python}",
                [
                    "3:5: origins.named.a.b: 'a.b' is not a name for an origin; write 1 to 63 of a-z, 0-9 and -, beginning with a letter or digit, such as pip"
                ]
            ),
            (
                "pip: {url: http://a.example.org/, preset: python}",
                ["3:16: origins.named.pip.url: 'http://a.example.org/' is plain HTTP, but origins.requireHTTPS is true"]
            ),
            (
                "pip: {url: https://a.example.org/?x, preset: python}",
                ["3:16: origins.named.pip.url: 'https://a.example.org/?x' has a query; write https://host or https://host/path"]
            ),
            (
                "pip: {url: https://a.example.org/, preset: pithon}",
                [
                    "3:48: origins.named.pip.preset: 'pithon' is not one of python, npm, cargo, go, maven, apt, oci, conda, huggingface, github, nix"
                ]
            ),
            (
                "pip: {url: https://a.example.org/}",
                ["3:10: origins.named.pip: has neither preset nor rules, so that nothing would be mirrored; write preset: python, or rules"]
            ),
            (
                "pip: {url: https://a.example.org/, preset: go, rule: []}",
                ["3:52: origins.named.pip.rule: unknown key; did you mean 'rules'?"]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: '/{a', class: mirrored}]}",
                ["3:55: origins.named.pip.rules[0].path: '/{a' does not close a brace"]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: /a, class: mirrored, digest: path}]}",
                ["3:84: origins.named.pip.rules[0].digest: 'path' needs hexadecimal digits in the rule's path, such as {digest:hex64}"]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: /a, class: passed, life: 3s}]}",
                ["3:80: origins.named.pip.rules[0].life: is only for rules of the class mirrored, revalidated or rewritten"]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: /a, class: passed, query: drop}]}",
                ["3:81: origins.named.pip.rules[0].query: is only for rules of the class mirrored, revalidated or rewritten"]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: /a, class: revalidated, query: drop-signatures}]}",
                [
                    "3:86: origins.named.pip.rules[0].query: leaves out of a page's URL what the origin asks for; write keep, drop or a list of names"
                ]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: /a, class: mirrored, methods: any}]}",
                [
                    "3:85: origins.named.pip.rules[0].methods: is not possible for this class, which allows only reads; POST can be passed or refused"
                ]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: /a, class: rewritten, links: lfs}]}",
                ["3:84: origins.named.pip.rules[0].links: is requested by POST; write methods: post"]
            ),
            (
                "pip: {url: https://a.example.org/, rules: [{path: /a, class: rewritten}]}",
                ["3:48: origins.named.pip.rules[0]: is rewritten, but does not say which links; write links: html"]
            ),
            (
                "pip: {url: https://a.example.org/, preset: go, credentials: {user: a}}",
                ["3:65: origins.named.pip.credentials: has no password; write passwordFile: PATH"]
            ),
            (
                "pip: {url: https://a.example.org/, preset: go, credentials: {}}",
                ["3:65: origins.named.pip.credentials: must have one of {user, passwordFile}, {tokenFile} and {header, valueFile}"]
            ),
            (
                "pip: {url: https://a.example.org/, preset: go, links: [https://b.example.org, https://b.example.org/]}",
                ["3:59: origins.named.pip.links: names https://b.example.org/ twice"]
            ),
        ])
    func problems(_ entry: String, _ expected: [String]) {
        let found = Configuration.problems(of: Self.pools + "origins: {named: {\n    \(entry)}}\n")
        #expect(found == expected.map { "mirror.yaml:\($0)" })
    }

    @Test func `what clients of a network get is a setting of the selection`() throws {
        let configuration = try Configuration.reading(minimalFile + "selection: {delivery: {10.9.0.0/16: inline, 10.9.1.0/24: origin}}\n")
        #expect(configuration.selection.deliveries.map(\.delivery) == [.origin, .inline])
        #expect(
            Configuration.problems(of: minimalFile + "selection: {delivery: {10.9.0.0/16: fast}}\n") == [
                "mirror.yaml:3:37: selection.delivery.10.9.0.0/16: 'fast' is not one of redirect, inline, origin"
            ])
    }
}
