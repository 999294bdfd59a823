import MirrorCore
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

    @Test func `below the named origins, lists are kept in all their fields, and everything within bounds`() {
        let accept = ["application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json", "*/*"]
        let fields = kept(
            "/o/oci/v2/a/manifests/latest", ("Accept", accept[0]), ("accept", accept[1]), ("Accept", accept[2]),
            ("Authorization", "Bearer a"),
            ("Authorization", "Bearer b"), ("X-Cloud-Mirror-Delivery", "inline"), ("Cookie", "a=b"))
        #expect(fields.map(\.value) == accept + ["Bearer a", "inline"])
        for name in ["Accept", "If-None-Match", "Authorization", "Range", "Cookie"] {
            for (count, length) in [(1, 31_000), (31, 1_000), (300, 100), (1_500, 0)] {
                let headers = HTTPHeaders((1...count).map { (name, "\($0)," + String(repeating: "x", count: length)) })
                for uri in ["/o/x/y", "/v2/o/x/y", "http://h/o/x/y", "HTTP://h/v1/redirect/x"] {
                    let kept = RequestFields.kept(of: HTTPRequestHead(version: .http1_1, method: .GET, uri: uri, headers: headers))
                    #expect(kept.reduce(0) { $0 + $1.value.utf8.count } <= 8_192)
                }
            }
        }
    }

    @Test func `a request whose target is a whole URL keeps what its route reads, within bounds`() {
        let sent = [("Host", "h"), ("Authorization", "Bearer a"), ("Prefer", "respond-async"), ("Range", "bytes=0-1"), ("X-A", "b")]
        for route in ["/v1/warm", "/local/dev/a/b", "/o/x/y"] {
            let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "http://h\(route)", headers: HTTPHeaders(sent))
            #expect(RequestFields.kept(of: head).map(\.name) == ["Host", "Authorization", "Prefer", "Range"])
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

    @Test(arguments: ["X-Forwarded-For", "Connection", "User-Agent", "Host", "Cookie", "x-forwarded-for"])
    func `however many fields there are, a request that may wait keeps little of all of them`(name: String) {
        for (count, length) in [(31, 1_000), (300, 100), (1_500, 0)] {
            let headers = HTTPHeaders((1...count).map { (name, "\($0)," + String(repeating: "x", count: length)) })
            let kept = RequestFields.kept(of: HTTPRequestHead(version: .http1_1, method: .GET, uri: "/v1/redirect/x", headers: headers))
            #expect(kept.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } <= 2_048)
            #expect(kept.count < 100)
        }
        let long = kept(
            "/v1/redirect/x", ("Host", Self.long), ("Connection", Self.long), ("User-Agent", Self.long), ("X-Forwarded-For", "a,"),
            (name, Self.long), (name, "," + Self.long))
        #expect(long.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } <= 2_048)
    }

    @Test func `of fields that are there several times the first counts, and of X-Forwarded-For the last ones, in their order`() {
        let fields = kept(
            "/v1/redirect/x", ("User-Agent", "pip/24.0"), ("X-Forwarded-For", "192.0.2.1"), ("user-agent", "curl/8"),
            ("X-Forwarded-For", "192.0.2.2, " + Self.long + ", 192.0.2.3"), ("Connection", "a"), ("X-Forwarded-For", "192.0.2.4"),
            ("Connection", "b"), ("x-forwarded-for", "192.0.2.5,10.0.0.1"))
        #expect(fields.map(\.value) == ["pip/24.0", "a", ", 192.0.2.3", "192.0.2.4", "192.0.2.5,10.0.0.1"])
    }

    @Test func `both fields in which proxies name clients are kept within their limits, and the first pool that is named`() {
        let fields = kept(
            "/v1/redirect/x", ("Forwarded", "for=192.0.2.1, " + Self.long + ", for=192.0.2.2"), ("X-Cloud-Mirror-Pool", "local/dev"),
            ("X-Forwarded-For", "192.0.2.3"), ("x-cloud-mirror-pool", "local/two"))
        #expect(fields.map(\.value) == ["local/dev", "192.0.2.3", ", for=192.0.2.2"])
        let long = kept("/v1/redirect/x", ("X-Cloud-Mirror-Pool", "local/" + Self.long))
        #expect(long.first.map { PoolID($0.value) == nil } == true)
    }

    @Test func `routes that read a field get it whole, and nobody gets the others`() {
        let fields = kept(
            "/local/dev/a/b", ("Host", "h"), ("RANGE", "bytes=0-1"), ("If-None-Match", Self.long), ("Cookie", "c"), ("X-A", "b"))
        #expect(fields.map(\.name) == ["Host", "RANGE", "If-None-Match"])
        #expect(fields[2].value == Self.long)
    }
}
