import MirrorCore

extension FuzzTarget {
    static let urls = [
        "https://artifacts.example.org/builds/app-1.4.tar.gz", "http://[2001:db8::1]:8080/a%20b/%C3%A9?x=1&y=%2F#f",
        "https://example.org:443/../a/./b//c;v=1/?q", "s3://bucket/key with spaces",
    ]
    static let urlWords = [
        "https://", "http://", "[::1]", "%2F", "%2e%2e", "%00", "%25", "%CC%81", "%E9", "@", ":443", ":", "?", "#", "//", "/../", "..", ";",
        "xn--", ".", "::ffff:", "0x7f.1",
    ]

    static let core: [FuzzTarget] = [
        FuzzTarget("url", seeds: Array(urls.prefix(3)), words: urlWords) { bytes in
            let url = try ArtifactURL(text(bytes))
            let again = try? ArtifactURL(url.description)
            try require(again?.description == url.description, "the canonical form of \(url) is not its own")
            let key = ObjectKey(url)
            try require(ObjectKey(key.description) == key, "the key \(key) is not read back")
            try require(key.name.utf8.count <= 200 && !key.name.utf8.contains(UInt8(ascii: "/")), "the name of \(key) is not safe")
            _ = try? url.resolving("/other")
            try require(url.redacted.utf8.count <= ArtifactURL.maxRedactedLength, "\(url.redacted) is too long for a log")
            if let query = url.query, !query.isEmpty {
                try require(url.redacted.hasSuffix("?…"), "\(url.redacted) shows the query")
            }
        },
        FuzzTarget(
            "query", seeds: ["version=2&x=1;arch=a&%76ersion", "X-Amz-Date=d&X-Amz-Signature=s&v+1="],
            words: ["&", ";", "=", "+", "%", "%26", "version"]
        ) { bytes in
            let url = try ArtifactURL("https://example.org/a?\(text(bytes))")
            for rule in [QueryRule.keep, .drop, .dropSignatures, .only(QueryNames(["version", "v 1"]))] {
                let source = ArtifactSource(url, rule)
                try require(ArtifactSource(source.name, rule).name == source.name, "\(source.name) is not its own name by \(rule)")
                try require(ArtifactSource(source.name, query: source.query).url == url, "\(url) is not put together again by \(rule)")
            }
        },
        FuzzTarget("url-reference", seeds: ["/a", "../b?c", "//host/x", "?q", "https://other.example/%2e/"], words: urlWords) { bytes in
            let base = try ArtifactURL("https://example.org/a/b/c?d")
            let url = try base.resolving(text(bytes))
            try require((try? ArtifactURL(url.description)) != nil, "\(url) is no URL")
        },
        FuzzTarget(
            "object-key", seeds: [String(repeating: "0a", count: 32) + "/app-1.4.tar.gz"], words: ["/", "..", "\u{0301}", "\\", "é"]
        ) { bytes in
            guard let key = ObjectKey(text(bytes)) else { return }
            try require(!key.name.utf8.isEmpty && key.hash.utf8.count == 64, "the parts of \(key)")
            try require(Array("\(key.hash)/\(key.name)".utf8) == Array(key.description.utf8), "\(key) is not its parts")
        },
        FuzzTarget(
            "foreign-json", seeds: [#"{"a":[1,{"b":null}],"c":"\u00e9","d":-1.5e3}"#, #"[[[["a",true]],{}],0]"#],
            words: ["{", "}", "[", "]", ":", ",", "\"", "null", "true", "1e999", "-0", "\\u0000", "\\ud800", "[[[[[[[[", #"{"a":{"a":"#]
        ) { bytes in
            let value = try ForeignJSON.decode(JSONValue.self, from: bytes)
            let _: [String: String]? = try? ForeignJSON.decode(from: bytes)
            try require(JSONValue.isDecodable(bytes), "\(value) has too much in it")
        },
        FuzzTarget("address", seeds: ["10.1.2.3", "2001:db8::1", "::ffff:1.2.3.4"], words: [":", "::", ".", "ffff", "%eth0"]) { bytes in
            guard let address = IPAddress(text(bytes)) else { return }
            try require(IPAddress(address.description) == address, "\(address) is not read back")
        },
        FuzzTarget("network", seeds: ["10.0.0.0/8", "2001:db8::/32", "::1"], words: ["/", "0", "33", "129"]) { bytes in
            guard let network = IPNetwork(text(bytes)) else { return }
            try require(network.contains(network.address), "\(network) does not hold its own address")
        },
        FuzzTarget(
            "http-date", seeds: ["Sun, 06 Nov 1994 08:49:37 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"], words: ["GMT", "Feb", "31", ":", ", "]
        ) { bytes in
            // A leap second may lie in the year 10000, which no date of HTTP has.
            guard let time = Timestamp(httpDate: text(bytes)), time.milliseconds < 253_402_300_800_000 else { return }
            try require(Timestamp(httpDate: time.httpDate) == time, "\(time.httpDate) is not read back")
        },
        FuzzTarget(
            "repr-digest", seeds: ["sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"],
            words: ["sha-256", "=", ":", ",", ";q=1", "md5"]
        ) { bytes in
            for digest in Digest.list(reprDigest: text(bytes)) {
                try require(Digest.list(reprDigest: digest.fieldValue) == [digest], "\(digest.fieldValue) is not read back")
            }
        },
        FuzzTarget("base64", seeds: ["aHR0cHM6Ly9hLmV4YW1wbGUvYQ", "aGk_-w=="], words: ["=", "==", "-", "_", "+", "/"]) { bytes in
            _ = Base64.decode(text(bytes))
        },
        FuzzTarget("percent-encoding", seeds: ["a%20b%2Fc", "%E2%82%AC"], words: ["%", "%2", "%GG", "%FF"]) { bytes in
            guard let decoded = PercentCoding.decode(text(bytes)) else { return }
            try require(PercentCoding.decode(PercentCoding.encode(decoded)) == decoded, "\(decoded) is not read back")
        },
    ]

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
