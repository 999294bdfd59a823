import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct QueryFieldsTests {
    private static let names = ["wait", "pool", "hop"]

    @Test(
        arguments: [
            ("", nil), ("&", nil), ("=wait", nil), ("waiting=1&await=2", nil), ("Wait=1", nil), ("x=wait=1", nil), ("w%61it=1", nil),
            ("x=a%26wait=1", nil), ("wait=1", "1"), ("wait", ""), ("wait=", ""), ("wait=1&wait=2", "1"), ("wait&wait=2", ""),
            ("&&hop=3&wait=1&&", "1"), ("wait=a=b", "a=b"), ("wait=local%2Fdev", "local/dev"), ("wait=1+2", "1+2"),
            ("wait=\u{e4}", "\u{e4}"),
        ] as [(String, String?)])
    func `the first field of a name is found, decoded`(query: String, expected: String?) {
        let fields = QueryFields(query, Self.names)
        #expect(fields["wait"] == expected)
        #expect(fields["hop"] == (query.contains("hop=3") ? "3" : nil))
        #expect(fields["pool"] == nil)
    }

    @Test func `what is not percent-encoded UTF-8 is given as it stands`() {
        for value in ["%", "%4", "%zz", "%FF"] { #expect(QueryFields("wait=\(value)", Self.names)["wait"] == value) }
    }

    @Test func `a query of nothing but separators hides no field`() async throws {
        try await MirrorFixture.run { mirror async throws in
            let separators = String(repeating: "&", count: 30_000)
            for target in [World.target("/a.txt") + "?\(separators)wait=x", World.target("/a.txt") + "?wait=x\(separators)"] {
                #expect(try await mirror.get(target).status == 400)
            }
            #expect(try await mirror.get("/v1/go?\(separators)url=")["Location"] == "../")
            #expect(try await mirror.get("/v1/go?url=\(separators)x=%").status == 400)
        }
    }
}
