import NIOHTTP1
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct RequestFieldsTests {
    private static let long = String(repeating: "x", count: 31_000)

    private func kept(_ uri: String, _ fields: (String, String)...) -> [(name: String, value: String)] {
        Array(RequestFields.kept(of: HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: HTTPHeaders(fields))))
    }

    @Test(
        arguments: [
            "X-Padding", "Cookie", "Accept", "Authorization", "If-None-Match", "Range", "User-Agent", "X-Forwarded-For", "Referer",
            "Forwarded",
        ])
    func `of a head that is as large as may be, a request that may wait keeps little`(name: String) {
        for uri in ["/v1/redirect/local/dev/https%3A%2F%2Fa%2Fb", "/v1/redirect/https%3A%2F%2Fa%2Fb?wait=5"] {
            let fields = kept(uri, ("Host", "h"), (name, Self.long))
            #expect(fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } <= 1_100)
            #expect(fields.first?.value == "h")
        }
    }

    @Test func `what is read of a long field is kept`() {
        let fields = kept(
            "/v1/redirect/x", ("user-agent", "pip/24.0 " + Self.long),
            ("X-Forwarded-For", "192.0.2.1, " + Self.long + ", 192.0.2.2, 10.0.0.1"))
        #expect(fields[0].value.hasPrefix("pip/24.0 xxx"))
        // From the right, and no element is cut in two.
        #expect(fields[1].value == ", 192.0.2.2, 10.0.0.1")
    }

    @Test func `routes that read a field get it whole, and nobody gets the others`() {
        let fields = kept(
            "/local/dev/a/b", ("Host", "h"), ("RANGE", "bytes=0-1"), ("If-None-Match", Self.long), ("Cookie", "c"), ("X-A", "b"))
        #expect(fields.map(\.name) == ["Host", "RANGE", "If-None-Match"])
        #expect(fields[2].value == Self.long)
    }
}
