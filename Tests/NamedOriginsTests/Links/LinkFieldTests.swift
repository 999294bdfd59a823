import MirrorCore
import Testing

@testable import NamedOrigins

@Suite struct LinkFieldTests {
    private func rewrite(_ value: String) throws -> String? {
        var resolver = LinkResolver(
            page: try ArtifactURL("https://hub.example/api/models?limit=2"), prefix: "https://mirror.example/o/",
            map: try TestLinks([("https://hub.example/", "hf/")]))
        return LinkField.rewrite(value, &resolver)
    }

    @Test(
        "Links lead through the mirror, relative ones too; those that lead around it go",
        arguments: [
            (
                "<https://hub.example/api/models?cursor=a,b>; rel=\"next\"",
                "<https://mirror.example/o/hf/api/models?cursor=a,b>; rel=\"next\""
            ),
            ("</v2/a/tags/list?n=1&last=x>; rel=next", "<https://mirror.example/o/hf/v2/a/tags/list?n=1&last=x>; rel=next"),
            ("<https://else.example/>; rel=\"next\"; title=\"a,b\"", "<https://else.example/>; rel=\"next\"; title=\"a,b\""),
            ("<https://cas.example/t>; rel=\"xet-auth\", <https://hub.example/x>; rel=\"xet-reconstruction-info\"", nil),
            ("<https://cas.example/t>; REL=\"Xet-Auth\",</n>;rel=\"next\"", "<https://mirror.example/o/hf/n>;rel=\"next\""),
            ("no link", nil), ("<unfinished", nil), ("", nil),
        ])
    func fields(_ value: String, _ expected: String?) throws {
        #expect(try rewrite(value) == expected)
    }

    @Test func `of thousands of links, which become longer, some are left out`() throws {
        let links = Array(repeating: "<a>", count: 15_000)
        let rewritten = try #require(try rewrite(links.joined(separator: ",")))
        #expect(rewritten.utf8.count <= LinkField.maxLength)
        #expect(rewritten.hasPrefix("<https://mirror.example/o/hf/api/a>, <https://mirror.example/o/hf/api/a>, "))
        #expect(try rewrite(links.prefix(100).joined(separator: ","))?.split(separator: ", ").count == 100)
    }
}
