import MirrorCore
import MirrorStorage
import NIOCore
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
            try require(range.bytes.map { $0.end <= range.total ?? .max } ?? true, "\(range)")
        },
        FuzzTarget(
            "stated-digests",
            seeds: [
                "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=,md5=x",
            ],
            words: ["sha-256", "sha-512", "=", ":", ",", ";q=1", "md5", "crc32c"]
        ) { bytes in
            let value = text(bytes)
            for name in [
                "Repr-Digest", "Digest", "x-goog-hash", "Content-MD5", "x-amz-checksum-sha256", "x-amz-checksum-crc32c",
                "x-amz-checksum-crc64nvme",
            ] {
                _ = StatedDigests.read([name: value], isWhole: true)
            }
        },
        FuzzTarget(
            "origin-answer",
            seeds: [
                "200\nContent-Length: 5\nETag: \"a\"\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\nContent-Type: text/plain",
                "206\nContent-Range: bytes 10-19/30\nContent-Length: 10\nRepr-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
                "206\nContent-Range: bytes 10-14/15", "203\nTransfer-Encoding: chunked\nContent-Encoding: gzip",
            ],
            words: [
                "206\n", "503\n", "Retry-After: ", "Content-Range: bytes ", "Content-Length: ", "Content-Type: multipart/byteranges",
                "ETag: W/", "\n", ": ",
                "*", "/", "-", "\u{FFFD}", "Digest: ",
            ]
        ) { bytes in
            let lines = text(bytes).split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            let url = try ArtifactURL("https://a.example/b")
            let fields = headers(lines.count == 2 ? Array(lines[1].utf8) : []).map { (name: $0.name, value: $0.value) }
            let answer = OriginAnswer(
                BucketAnswer(status: Int(lines[0]) ?? 200, headers: fields, body: ByteStream(ByteBuffer())), of: url)
            let now = Timestamp(milliseconds: 1_700_000_000_000)
            for requested in [nil, ByteRange(offset: 0, length: 8), ByteRange(offset: 10, length: 10)] {
                for size in [nil, 20] as [Int64?] {
                    let response: OriginResponse
                    do { response = try OriginResponse(answer, requested: requested, size: size, now: now) } catch { continue }
                    _ = response.metadata(of: url, stored: now)
                    guard let range = response.range else { continue }
                    try require(
                        range.offset == requested?.offset && range.end <= response.totalSize ?? -1,
                        "\(range) of \(response.totalSize ?? -1)")
                }
            }
        },
    ]
}
