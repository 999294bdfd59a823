import MirrorCore
import Testing

@testable import MirrorServer

@Suite struct RequestTargetTests {
    @Test(arguments: [
        ("/v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fb%3Fsig%3Ds", "/v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fb…"),
        ("/v1/redirect/https%3a%2f%2fa.example%2fb%3fsig%3ds", "/v1/redirect/https%3a%2f%2fa.example%2fb…"),
        ("/v1/redirect/https%253A%252F%252Fa.example%252Fb%253Fsig%253Ds", "/v1/redirect/https%253A%252F%252Fa.example%252Fb…"),
        ("/v1/redirect/local/dev/aHR0cHM6Ly9hLmV4YW1wbGUvYj9zaWc9cw", "/v1/redirect/local/dev/…"),
        ("/v1/redirect/local/dev/aHR0cHM6Ly9hLmV4YW1wbGUvYg", "/v1/redirect/local/dev/aHR0cHM6Ly9hLmV4YW1wbGUvYg"),
        ("/v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fb", "/v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fb"),
        ("/v1/pools", "/v1/pools"), ("/", "/"), ("", ""), ("/%", "/%"), ("/%3", "/%3"), ("/%3F", "/…"), ("%253f", "…"),
    ])
    func `a path is shown without the query of the artifact's URL`(path: String, shown: String) {
        #expect(RequestTarget.shown(path) == shown)
    }

    @Test func `a path is shown up to a limit`() {
        #expect(RequestTarget.shown("/" + String(repeating: "é", count: 10_000)).utf8.count <= 2_051)
    }
}
