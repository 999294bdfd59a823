import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(2)))
struct HostFieldTests {
    private static let valid = [
        "h", "mirror.example", "MIRROR.EXAMPLE:8080", "127.0.0.1", "127.0.0.1:80", "[::1]", "[2001:db8::1]:443", "a_b-c~d.e", "h:",
        "h:65535", "%41bc", "a,b", " h ", "\th",
    ]
    private static let invalid = [
        "", " ", ":80", "a b", "a/b", "a?b", "a#b", "user@h", "h:80x", "h:-1", "h:65536", "h:999999999999999999999", "h:80:80", "::1",
        "[::1", "[]", "[::1]x", "[::1]:x", "[127.0.0.1]", "[fe80::1%25eth0]", "%", "%4", "%zz", "\"h\"", "<h>", "h\\", "é", "a\tb", "h, h",
    ]

    /// Each as the only `Host` of a request that the fast path would answer.
    @Test func `a request says in one right way whom it is for, on both paths`() async throws {
        try await DifferentialPair.run { pair in
            let valid = Self.valid.map { "Host: \($0)\r\n" }
            let invalid =
                Self.invalid.map { "Host: \($0)\r\n" } + ["", "Host: h\r\nHost: h\r\n", "Host: h\r\nX: y\r\nhost: other\r\n"]
            for (fields, isRight) in valid.map({ ($0, true) }) + invalid.map({ ($0, false) }) {
                for mirror in [pair.fast, pair.slow] {
                    for method in ["GET", "HEAD"] {
                        let stream = RequestStream(
                            fields, "\(method) \(RequestStream.hit) HTTP/1.1\r\n\(fields)\r\n" + RequestStream.request())
                        let answer = try await mirror.answer(to: stream, separately: false).shown
                        #expect(answer.hasPrefix(isRight ? "HTTP/1.1 302" : "HTTP/1.1 400"), "\(fields)\n\(answer)")
                        // What stands behind a request that was refused is not answered.
                        #expect(answer.components(of: "HTTP/1.1 302") == (isRight ? 2 : 0), "\(fields)")
                    }
                }
            }
            #expect(pair.fast.answeredFast > Self.valid.count)
        }
    }

    @Test func `a request in HTTP/1.0 needs no host, and may have no more than one`() async throws {
        try await MirrorFixture.run { mirror in
            for (fields, status) in [("", 200), ("Host: h\r\n", 200), ("Host: h\r\nHost: h\r\n", 400), ("Host: a b\r\n", 400)] {
                let stream = RequestStream(fields, "GET /v1/ping HTTP/1.0\r\n\(fields)\r\n")
                let answer = try await mirror.answer(to: stream, separately: false)
                #expect(RawResponse.parse(answer, toHead: false)?.0.status == status, "\(fields)")
            }
        }
    }
}

extension String {
    fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
