import MirrorCore
import MirrorNet
import MirrorSettings
import Testing

@testable import NamedOrigins

/// What each client asks for, and what is done with it.
@Suite struct PresetTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let preset: Preset
        let path: String
        /// The class, with the grammar of links: `rewritten python`.
        let word: String
        var method = RuleMethod.get
        var isInline = false
        /// Whether the rule knows where a digest is.
        var hasDigest = false
        var query: QueryRule?

        init(
            _ preset: Preset, _ path: String, _ word: String, _ method: RuleMethod = .get, inline: Bool = false, digest: Bool = false,
            query: QueryRule? = nil
        ) {
            (self.preset, self.path, self.word, self.method) = (preset, path, word, method)
            (isInline, hasDigest, self.query) = (inline, digest, query)
        }

        var testDescription: String { "\(preset.rawValue) \(method.rawValue) \(path)" }
    }

    private static let hex40 = String(repeating: "0a", count: 20)
    private static let hex64 = String(repeating: "0a", count: 32)

    private static let languages: [Row] = [
        Row(.python, "/simple/", "rewritten python"),
        Row(.python, "/simple/six/", "rewritten python"),
        Row(.python, "/simple/six", "rewritten python"),
        Row(.python, "/team/pypi/+simple/six/", "rewritten python"),
        Row(.python, "/whl/cpu/torch/", "rewritten python"),
        Row(.python, "/packages/b7/ce/six-1.17.0-py2.py3-none-any.whl", "mirrored", inline: true, digest: true),
        Row(.python, "/packages/94/e7/six-1.17.0.tar.gz", "mirrored", digest: true),
        Row(.python, "/packages/x/old-1.0.zip", "mirrored", digest: true),
        Row(.python, "/packages/b7/six-1.17.0-py2.py3-none-any.whl.metadata", "mirrored", inline: true),
        Row(.python, "/packages/b7/six-1.17.0-py2.py3-none-any.whl.provenance", "mirrored", inline: true),
        Row(.python, "/integrity/six/1.17.0/six-1.17.0-py2.py3-none-any.whl/provenance", "revalidated"),
        Row(.python, "/pypi/six/json", "passed"),
        Row(.npm, "/left-pad", "rewritten npm"),
        Row(.npm, "/@types%2Fnode", "rewritten npm"),
        Row(.npm, "/@types/node", "rewritten npm"),
        Row(.npm, "/left-pad/1.3.0", "rewritten npm"),
        Row(.npm, "/left-pad/-/left-pad-1.3.0.tgz", "mirrored"),
        Row(.npm, "/@types/node/-/node-22.0.0.tgz", "mirrored"),
        Row(.npm, "/-/v1/search", "passed"),
        Row(.npm, "/-/npm/v1/security/advisories/bulk", "passed", .post),
        Row(.npm, "/left-pad", "passed", .post),
        Row(.cargo, "/config.json", "rewritten cargo-config"),
        Row(.cargo, "/1/a", "revalidated"),
        Row(.cargo, "/2/ab", "revalidated"),
        Row(.cargo, "/3/a/abc", "revalidated"),
        Row(.cargo, "/se/rd/serde", "revalidated"),
        Row(.cargo, "/crates/serde/1.0.228/download", "mirrored", digest: true),
        Row(.cargo, "/api/v1/crates/serde/1.0.228/download", "mirrored", digest: true),
        Row(.cargo, "/crates/serde/serde-1.0.228.crate", "mirrored", digest: true),
        Row(.go, "/golang.org/x/text/@v/list", "revalidated"),
        Row(.go, "/golang.org/x/text/@latest", "revalidated"),
        Row(.go, "/golang.org/x/text/@v/master.info", "revalidated"),
        Row(.go, "/golang.org/x/text/@v/v1.info", "revalidated"),
        Row(.go, "/golang.org/x/text/@v/v0.3.0.info", "mirrored", inline: true),
        Row(.go, "/golang.org/x/text/@v/v0.3.0.mod", "mirrored", inline: true),
        Row(.go, "/golang.org/x/text/@v/v0.3.0.zip", "mirrored"),
        Row(.go, "/github.com/!burnt!sushi/toml/@v/v0.0.0-20170915032832-14c0d48ead0c.zip", "mirrored"),
        Row(.go, "/x/y/@v/v2.0.0+incompatible.mod", "mirrored", inline: true),
        Row(.go, "/sumdb/sum.golang.org/latest", "revalidated"),
        Row(.go, "/sumdb/sum.golang.org/supported", "revalidated"),
        Row(.go, "/sumdb/sum.golang.org/lookup/golang.org/x/text@v0.3.0", "mirrored", inline: true),
        Row(.go, "/sumdb/sum.golang.org/tile/8/0/x002/003", "mirrored", inline: true),
        Row(.maven, "/org/a/b/maven-metadata.xml", "revalidated"),
        Row(.maven, "/org/a/b/maven-metadata.xml.sha1", "revalidated"),
        Row(.maven, "/org/a/b/1.0-SNAPSHOT/maven-metadata.xml", "revalidated"),
        Row(.maven, "/org/a/b/1.0-SNAPSHOT/b-1.0-SNAPSHOT.jar", "revalidated"),
        Row(.maven, "/org/a/b/1.0-SNAPSHOT/b-1.0-20260101.120000-3.jar", "mirrored"),
        Row(.maven, "/org/a/b/1.0-SNAPSHOT/b-1.0-20260101.120000-3.pom", "mirrored", inline: true),
        Row(.maven, "/org/a/b/1.0/b-1.0.pom", "mirrored", inline: true),
        Row(.maven, "/org/a/b/1.0/b-1.0.module", "mirrored", inline: true),
        Row(.maven, "/org/a/b/1.0/b-1.0.jar.sha1", "mirrored", inline: true),
        Row(.maven, "/org/a/b/1.0/b-1.0.jar.md5", "mirrored", inline: true),
        Row(.maven, "/org/a/b/1.0/b-1.0.jar.asc", "mirrored", inline: true),
        Row(.maven, "/org/a/b/1.0/b-1.0.jar", "mirrored"),
        Row(.maven, "/org/a/b/1.0/b-1.0.xml", "mirrored"),
        Row(.maven, "/org/a/b/", "passed"),
    ]

    private static let systems: [Row] = [
        Row(.apt, "/dists/stable/InRelease", "revalidated"),
        Row(.apt, "/dists/stable/Release", "revalidated"),
        Row(.apt, "/dists/stable/Release.gpg", "revalidated"),
        Row(.apt, "/InRelease", "revalidated"),
        Row(.apt, "/Packages.gz", "revalidated"),
        Row(.apt, "/Packages", "revalidated"),
        Row(.apt, "/dists/stable/main/binary-amd64/Packages.xz", "revalidated"),
        Row(.apt, "/dists/stable/main/binary-amd64/by-hash/SHA256/\(hex64)", "mirrored", digest: true),
        Row(.apt, "/dists/stable/main/binary-amd64/by-hash/MD5Sum/\(hex40.prefix(32))", "revalidated"),
        Row(.apt, "/pool/main/c/curl/curl_8.0.deb", "mirrored"),
        Row(.apt, "/pool/main/c/curl/curl_8.0.dsc", "mirrored"),
        Row(.apt, "/x.deb", "mirrored"),
        Row(.oci, "/v2/", "revalidated"),
        Row(.oci, "/v2/library/alpine/blobs/sha256:\(hex64)", "mirrored", digest: true, query: .drop),
        Row(.oci, "/v2/library/alpine/manifests/sha256:\(hex64)", "mirrored", inline: true, digest: true, query: .drop),
        Row(.oci, "/v2/library/alpine/manifests/latest", "revalidated", query: .drop),
        Row(.oci, "/v2/library/alpine/tags/list", "rewritten fields"),
        Row(.oci, "/v2/a/referrers/sha256:\(hex64)", "rewritten fields"),
        Row(.oci, "/v2/a/blobs/uploads/", "passed", .post),
        Row(.conda, "/conda-forge/noarch/repodata.json", "rewritten conda-repodata"),
        Row(.conda, "/conda-forge/noarch/repodata.json.zst", "revalidated"),
        Row(.conda, "/conda-forge/noarch/repodata.json.bz2", "revalidated"),
        Row(.conda, "/conda-forge/noarch/current_repodata.json", "rewritten conda-repodata"),
        Row(.conda, "/conda-forge/noarch/repodata_from_packages.json", "revalidated"),
        Row(.conda, "/conda-forge/noarch/repodata_shards.msgpack.zst", "revalidated"),
        Row(.conda, "/channeldata.json", "revalidated"),
        Row(.conda, "/conda-forge/noarch/shards/\(hex64).msgpack.zst", "mirrored", inline: true, digest: true),
        Row(.conda, "/conda-forge/linux-64/zlib-1.3.1-h4ab18f5_1.conda", "mirrored"),
        Row(.conda, "/conda-forge/linux-64/zlib-1.2.13-h166bdaf_4.tar.bz2", "mirrored"),
        Row(.huggingface, "/openai/gpt/resolve/\(hex40)/model.bin", "mirrored", digest: true, query: .drop),
        Row(.huggingface, "/datasets/a/b/resolve/\(hex40)/dir/x.parquet", "mirrored", digest: true, query: .drop),
        Row(.huggingface, "/openai/gpt/resolve/main/model.bin", "revalidated"),
        Row(.huggingface, "/spaces/a/b/resolve/main/app.py", "revalidated", .head),
        Row(.huggingface, "/api/models/openai/gpt/tree/main", "rewritten fields"),
        Row(.huggingface, "/api/models/a/b/xet-read-token/\(hex40)", "passed"),
        Row(.huggingface, "/api/models/a/b/xet-write-token/main", "refused"),
        Row(.huggingface, "/API/models/a/b/Xet-WRITE-token/main", "refused"),
        Row(.huggingface, "/api/models/a/b/%2Fxet-write-token/main", "refused"),
        Row(.huggingface, "/api/datasets/a/b/xet-write-token/main", "refused", .head),
        Row(.huggingface, "/api/datasets/a/b/xet-write-token/main", "refused", .post),
        Row(.huggingface, "/api/models/a/b/paths-info/main", "passed", .post),
        Row(.github, "/o/r/releases/download/v1.0/tool.tar.gz", "mirrored", digest: true),
        Row(.github, "/o/r/releases/latest/download/tool.tar.gz", "passed"),
        Row(.github, "/o/r/archive/\(hex40).tar.gz", "mirrored", digest: true),
        Row(.github, "/o/r/archive/refs/heads/main.zip", "passed"),
        Row(.github, "/o/r/raw/\(hex40)/README.md", "mirrored", digest: true),
        Row(.github, "/o/r/raw/main/README.md", "revalidated"),
        Row(.github, "/o/r/tar.gz/\(hex40)", "mirrored", digest: true),
        Row(.github, "/o/r/\(hex40)/dir/README.md", "mirrored", digest: true),
        Row(.github, "/o/r.git/info/lfs/objects/batch", "rewritten lfs", .post),
        Row(.github, "/o/r.git/info/lfs/locks/verify", "passed", .post),
        Row(.github, "/media/o/r/\(hex40)/dir/model.bin", "mirrored", digest: true),
        Row(.github, "/media/o/r/main/dir/model.bin", "passed"),
        Row(.github, "/alambic/media/107463621/0a/0a/\(hex64)", "mirrored", digest: true, query: .drop),
        Row(.nix, "/nix-cache-info", "revalidated"),
        Row(.nix, "/0c0bl1r2w5q4m5z4k1f6m0x8nql9j1fh.narinfo", "revalidated"),
        Row(.nix, "/build-trace-v2/x/y.doi", "revalidated"),
        Row(.nix, "/nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz", "mirrored"),
        Row(.nix, "/log/x.drv", "passed"),
    ]

    @Test("Each request of a client has the class that its protocol allows", arguments: languages + systems)
    func rows(_ row: Row) throws {
        let url = try ArtifactURL("https://origin.example.org/base/")
        let origin = NamedOrigin(name: "it", url: url, rules: row.preset.rules)
        let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: [.prefix(url)]))
        let call = try table.call("it\(row.path)", method: row.method)
        let grammar = if case .rewritten(let grammar) = call.rule.kind { " \(grammar.rawValue)" } else { "" }
        #expect(call.rule.kind.word + grammar == row.word)
        #expect(call.url.description == "https://origin.example.org/base\(row.path)")
        #expect((call.rule.inlineLimit > 0) == row.isInline)
        #expect((call.rule.digest != nil) == row.hasDigest)
        if let query = row.query { #expect(call.rule.query == query) }
    }

    @Test(
        "With the operator's credentials, only what asks for something may be sent by POST",
        arguments: [
            (.npm, "/-/npm/v1/security/advisories/bulk", "passed"), (.npm, "/-/npm/v1/hooks/hook", "refused"),
            (.npm, "/left-pad", "refused"),
            (.oci, "/v2/a/blobs/uploads/", "refused"), (.huggingface, "/api/models/a/b/paths-info/main", "passed"),
            (.huggingface, "/api/models/a/b/commit/main", "refused"), (.github, "/o/r.git/info/lfs/objects/batch", "rewritten"),
            (.github, "/o/r.git/info/lfs/locks", "refused"), (.github, "/o/r.git/git-upload-pack", "passed"),
            (.github, "/o/r.git/git-receive-pack", "refused"), (.maven, "/org/a/b/1.0/b-1.0.jar", "refused"),
        ] as [(Preset, String, String)])
    func credentials(preset: Preset, path: String, word: String) throws {
        let url = try ArtifactURL("https://origin.example.org/base/")
        for credentials in [UpstreamCredentials.bearer(Secret("t0ken")), .none, .client] {
            let origin = NamedOrigin(name: "it", url: url, rules: preset.rules, credentials: credentials)
            let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: [.prefix(url)]))
            let call = try table.call("it\(path)", method: .post)
            // Without them, what the origin thinks of it is between the client and the origin.
            #expect(call.rule.kind.word == (credentials.areOfOperator || word != "refused" ? word : "passed"))
        }
    }

    @Test("Every pattern of a preset is one, and only mirrored rules have what copies need", arguments: Preset.allCases)
    func patterns(_ preset: Preset) {
        for rule in preset.rules {
            #expect(!rule.pattern.description.isEmpty)
            if rule.kind != .mirrored { #expect(rule.inlineLimit == 0 && rule.digest == nil) }
            // Otherwise clients could make up forms of its pages.
            #expect(rule.types != nil)
            if [.passed, .refused, .rewritten(.python), .rewritten(.html)].contains(rule.kind) { #expect(!rule.refusesHTML) }
            if case .path(let algorithm) = rule.digest { #expect(rule.pattern.digitCount == algorithm.byteCount * 2) }
        }
    }

    @Test func `the public origins come with the hosts of their files`() {
        #expect(Preset.python.links(of: "pypi.org").map(\.url.description) == ["https://files.pythonhosted.org/"])
        #expect(Preset.cargo.links(of: "index.crates.io").map(\.url.description) == ["https://static.crates.io/"])
        #expect(Preset.github.links(of: "github.com").count == 7)
        #expect(Preset.python.links(of: "index.example.org").isEmpty)
        // None was dropped because it is no URL.
        #expect(
            Preset.oci.links(of: "registry-1.docker.io").map(\.url.host) == [
                "auth.docker.io", "production.cloudflare.docker.com", "production.cloudfront.docker.com",
                "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com",
            ])
        #expect(Preset.huggingface.links(of: "huggingface.co").count == 18)
        #expect(Preset.huggingface.links(of: "huggingface.co").contains { $0.url.host == "cdn-lfs-us-1.hf.co" })
        #expect(Preset.conda.links(of: "conda.anaconda.org").map(\.url.host) == ["binstar-cio-packages-prod.s3.amazonaws.com"])
    }
}
