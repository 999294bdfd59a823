import MirrorStorage
import Testing

@Suite struct OriginFieldsTests {
    @Test func `fields are written and read in one line`() {
        var fields = OriginFields()
        #expect(fields.isEmpty && fields.text.isEmpty)
        fields[.linkedETag] = "\"a=b\""
        fields[.checksumSHA1] = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
        #expect(fields.text == "x-checksum-sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 x-linked-etag=\"a=b\"")
        #expect(OriginFields(text: fields.text) == fields)
        fields[.checksumSHA1] = nil
        #expect(fields.all.map(\.name) == [.linkedETag])
    }

    @Test(arguments: ["", "a b", "a\nb", "a\u{7f}", "ü", String(repeating: "a", count: OriginFields.maxLength + 1)])
    func `values that an answer cannot have, or that are too long, are not kept`(value: String) {
        var fields = OriginFields()
        fields[.repoCommit] = value
        #expect(fields.isEmpty)
    }

    @Test(arguments: ["", " ", "x-repo-commit", "x-repo-commit=", "=a", "other=a", "X-Repo-Commit=a"])
    func `what is not a field that is kept is left out`(text: String) {
        #expect(OriginFields(text: text).isEmpty)
    }
}
