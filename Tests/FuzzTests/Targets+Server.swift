import MirrorCore

@testable import MirrorServer

extension FuzzTarget {
    static let server: [FuzzTarget] = [
        FuzzTarget(
            "request-head",
            seeds: [
                "GET /v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fa HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n",
                "HEAD / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
            ],
            words: [
                "\r\n", "\n", "\r\n\r\n", "GET ", "HEAD ", "POST ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: b\r\n",
                "Content-Length: 1\r\n",
                "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", ":", " ", "\t",
                "\0",
            ]
        ) { bytes in
            let verdict = bytes.withUnsafeBytes { RequestScanner.scan($0) }
            guard case .plain(let length, let target, _) = verdict else { return }
            try require(length <= bytes.count && target.upperBound <= length, "\(verdict) of \(bytes.count) bytes")
            try require(bytes[..<length].suffix(4) == [13, 10, 13, 10], "a head that does not end with an empty line")
        },
        FuzzTarget(
            "request-target",
            seeds: [
                "local/dev/https%3A%2F%2Fa.example%2Fa", "https%3A%2F%2Fa.example%2Fa", "aHR0cHM6Ly9hLmV4YW1wbGUvYQ",
                "s3/eu-west-1/aHR0cHM6Ly9hLmV4YW1wbGUvYQ",
            ], words: urlWords + ["local/dev/", "/", "https%3A%2F%2F", "aHR0"]
        ) { bytes in
            let target = try RequestTarget("/v1/redirect/" + text(bytes), behind: "/v1/redirect/") {
                (text: String) throws(ArtifactURLError) in
                ArtifactSource(try ArtifactURL(text))
            }
            _ = target.pool?.id
        },
    ]
}
