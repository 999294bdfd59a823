import MirrorCore
import MirrorNet
import Testing

@testable import NamedOrigins

@Suite struct LFSBatchTests {
    private static let oid = String(repeating: "0a", count: 32)

    private static func rewritten(_ text: String) throws -> String? {
        let links = try TestLinks([(url: "https://media.example/", path: "git/~media.example/")])
        let page = try ArtifactURL("https://git.example/o/r.git/info/lfs/objects/batch")
        let resolver = LinkResolver(page: page, prefix: "https://mirror.example/o/", map: links)
        return LFSBatch.rewrite(Array(text.utf8), resolver: resolver).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func batch(_ actions: String, oid: String = oid) -> String {
        #"{"objects":[{"actions":\#(actions),"oid":"\#(oid)","size":12884901888}],"transfer":"basic"}"#
    }

    @Test func `a place to download from leads through the mirror, with the name of the object as its digest`() throws {
        let answer = try Self.rewritten(
            Self.batch(#"{"download":{"expires_in":3600,"href":"https://media.example/a/b?X-Amz-Signature=1&token=2"}}"#))
        let expected = Self.batch(
            #"{"download":{"expires_in":3600,"href":"https://mirror.example/o/git/~media.example/~sha256=\#(Self.oid)/a/b?X-Amz-Signature=1&token=2"}}"#
        )
        #expect(answer == expected)
    }

    /// GitHub's answers have had the one host for downloads since 2023 at the latest, and the other before.
    @Test(
        "GitHub's objects come through the mirror from both of its hosts, under names without their signatures",
        arguments: ["github-cloud.githubusercontent.com", "github-cloud.s3.amazonaws.com"])
    func github(host: String) throws {
        let oid = "c036cbb7553a909f8b8877d4461924307f27ecb66cff928eeeafd569c3887e29"
        let path = "alambic/media/376919987/c0/36/\(oid)"
        let signature = [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Credential=KEY%2F20231221%2Fus-east-1%2Fs3%2Faws4_request",
            "X-Amz-Date=20231221T073104Z", "X-Amz-Expires=3600", "X-Amz-Signature=4dc757df", "X-Amz-SignedHeaders=host",
        ].joined(separator: "&")
        let query = "\(signature)&actor_id=1&key_id=0&repo_id=2&token=1"
        let origin = NamedOrigin(
            name: "github", url: try ArtifactURL("https://github.com/"), rules: Preset.github.rules,
            links: Preset.github.links(of: "github.com"))
        let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: origin.places.map { .prefix($0) }))
        let page = try ArtifactURL("https://github.com/o/r.git/info/lfs/objects/batch")
        let resolver = LinkResolver(page: page, prefix: "https://mirror.example/o/", map: table.links(of: origin))
        let batch = Self.batch(#"{"download":{"expires_in":3600,"href":"https://\#(host)/\#(path)?\#(query)"}}"#, oid: oid)
        let answer = try #require(LFSBatch.rewrite(Array(batch.utf8), resolver: resolver))
        let link = "github/~\(host)/~sha256=\(oid)/\(path)"
        #expect(String(decoding: answer, as: UTF8.self).contains(#""href":"https://mirror.example/o/\#(link)?\#(query)""#))
        // And back.
        let call = try table.call(Substring(link), query: query)
        #expect(call.url.description == "https://\(host)/\(path)?\(query)")
        #expect(call.rule.kind == .mirrored)
        #expect(call.digest == Digest(.sha256, hex: oid))
        #expect(ArtifactSource(call.url, call.rule.query).name.description == "https://\(host)/\(path)")
    }

    @Test(
        "Whatever else an answer says stays as it is",
        arguments: [
            // Uploads are not for a mirror.
            #"{"upload":{"href":"https://media.example/a"},"verify":{"href":"https://media.example/v"}}"#,
            // The mirror would not send these fields.
            #"{"download":{"header":{"Authorization":"Basic eA=="},"href":"https://media.example/a"}}"#,
            #"{"download":{"href":"https://other.example/a"}}"#, #"{"download":{"href":1}}"#, #"{"download":null}"#, "{}", "[]", "null",
        ])
    func others(actions: String) throws {
        #expect(try Self.rewritten(Self.batch(actions)) == Self.batch(actions))
    }

    @Test func `a place without fields is one whose fields are empty, and a name that is no SHA-256 is no digest`() throws {
        let answer = try Self.rewritten(Self.batch(#"{"download":{"header":{},"href":"https://media.example/a"}}"#, oid: "abc"))
        #expect(answer == Self.batch(#"{"download":{"header":{},"href":"https://mirror.example/o/git/~media.example/a"}}"#, oid: "abc"))
        let other = #"{"hash_algo":"other","objects":[{"actions":{"download":{"href":"HREF"}},"oid":"\#(Self.oid)"}]}"#
        #expect(
            try Self.rewritten(other.replacing("HREF", with: "https://media.example/a"))
                == other.replacing("HREF", with: "https://mirror.example/o/git/~media.example/a"))
    }

    @Test(arguments: ["", "no", "[1,2", #"{"objects":"#])
    func `what is not JSON is not passed on`(text: String) throws {
        #expect(try Self.rewritten(text) == nil)
    }

    @Test func `an answer of millions of values, or of hundreds of levels, is not read`() throws {
        let many = #"{"objects":["# + String(repeating: "[],", count: 1_000_000) + "1]}"
        #expect(try Self.rewritten(many) == nil)
        let deep = #"{"objects":"# + String(repeating: "[", count: 400) + String(repeating: "]", count: 400) + "}"
        #expect(try Self.rewritten(deep) == nil)
        let usual = #"{"objects":["# + String(repeating: "[1],", count: 10_000) + "1]}"
        #expect(try Self.rewritten(usual) == usual)
    }

    @Test(arguments: ["[]", "1", #"{"message":"none"}"#, #"{"objects":{}}"#, #"{"objects":[1,null]}"#])
    func `what is not a batch stays as it is`(text: String) throws {
        #expect(try Self.rewritten(text) == text)
    }
}
