import MirrorCore
import MirrorNet
import NamedOrigins

extension FuzzTarget {
    static let named: [FuzzTarget] = [
        FuzzTarget(
            "path-pattern", seeds: ["/v2/**/blobs/sha256:{digest:hex64}", "**/*.{whl,tar.gz}", "/{name}/@v/v{version:version}.zip"],
            words: ["**/", "**", "*", "{", "}", ",", ":", "hex40", "hex64", "hex128", "digits", "version", "/", "%2F"]
        ) { bytes in
            let pattern = try PathPattern(String(decoding: bytes, as: UTF8.self))
            let digits = String(repeating: "0a", count: 64)
            for path in ["/", "/v2/a/blobs/sha256:\(digits.prefix(64))", "/a/b/c.whl", "/\(digits)/\(digits)", "/a/@v/v1.2.3-x.zip"] {
                guard let found = pattern.match(path)?.digits else { continue }
                try require(found.lowerBound >= 0 && found.upperBound <= path.utf8.count && found.count == pattern.digitCount, "\(found)")
            }
        },
        FuzzTarget(
            "named-path",
            seeds: [
                "pip/simple/six/", "pip/~files.example.org/~sha256=\(String(repeating: "0a", count: 32))/a.whl",
                "open.example.org%3A443/a/b",
                "pip/~hop=3/a.whl",
            ],
            words: [
                "pip/", "~", "~sha256=", "~hop=", "~files.example.org/", "/", "//", "..", "%2e", "%2F", ":", "%3A", "?", "#", "@", "[", "]",
            ]
        ) { bytes in
            let base = try ArtifactURL("https://index.example.org/base/")
            let files = try ArtifactURL("https://files.example.org/")
            let open = try ArtifactURL("https://open.example.org/")
            let origin = NamedOrigin(name: "pip", url: base, rules: Preset.python.rules, links: [LinkTarget(files)])
            let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: [base, files, open].map { .prefix($0) }))
            let path = String(decoding: bytes, as: UTF8.self)
            let call = try table.call(Substring(path))
            let isInside = [base, files, open].contains { call.url.description.hasPrefix($0.description) }
            try require(isInside, "\(call.url)")
            let hopped = try table.call(Substring(NamedOriginTable.path(Substring(path), hop: 2)))
            try require(hopped.url == call.url && hopped.digest == call.digest, "\(hopped.url)")
        },
    ]
}
