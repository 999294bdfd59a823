import MirrorCore
import NIOHTTP1

@testable import MirrorEngine
@testable import MirrorNet

extension FuzzTarget {
    static let net: [FuzzTarget] = [
        FuzzTarget(
            "url-pattern", seeds: [#"^https://a\.example/builds/[a-z0-9]+/"#, #"^https://example\.org:8443/.*\.(zip|whl)$"#],
            words: ["^", "$", "(", ")", "[", "]", "[^", "*", "+", "?", "{2,3}", "|", "\\.", "\\d", "\\", ".", ".*", "(?:"]
        ) { bytes in
            let pattern = try URLPattern(text(bytes))
            for url in urls.prefix(3) { _ = pattern.matches(try ArtifactURL(url)) }
        },
        FuzzTarget(
            "egress-path", seeds: ["a/b.bin", "a;v=1/b%20c", "caf%C3%A9.bin"],
            words: ["..", "%2e", "%252e", "%c0%af", "%00", ";", "%5C", "/", "%EF%BC%8F", "%25"]
        ) { bytes in
            let policy = try EgressPolicy(allow: [.prefix(try ArtifactURL("https://example.org/builds/"))])
            let url = try ArtifactURL("https://example.org/builds/" + text(bytes))
            try policy.check(url)
        },
        FuzzTarget("content-range", seeds: ["bytes 0-99/100", "bytes 5-9/*"], words: ["bytes ", "-", "/", "*", "Bytes"]) { bytes in
            guard let range = ContentRange(text(bytes)) else { return }
            try require(range.first >= 0 && range.first <= range.last, "\(range)")
        },
        FuzzTarget(
            "stated-digests",
            seeds: [
                "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=,md5=x",
            ],
            words: ["sha-256", "sha-512", "=", ":", ",", ";q=1", "md5", "crc32c"]
        ) { bytes in
            let value = text(bytes)
            for name in ["Repr-Digest", "Digest", "x-goog-hash", "Content-MD5", "x-amz-checksum-sha256", "x-amz-checksum-crc32c"] {
                _ = StatedDigests.read([name: value], isWhole: true)
            }
        },
    ]
}
