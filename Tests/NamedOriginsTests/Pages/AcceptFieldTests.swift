import Testing

@testable import NamedOrigins

@Suite struct AcceptFieldTests {
    @Test("Clients that want the same look the same")
    func sameWishes() {
        let one = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json;q=0.5, */*; q=0.1"
        let two = "*/*;q=0.10,APPLICATION/vnd.oci.image.manifest.v1+json; Q=0.500 ,application/vnd.oci.image.index.v1+json"
        #expect(AcceptField(one, for: nil) == AcceptField(two, for: nil))
        #expect(
            AcceptField(one, for: nil).text
                == "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json;q=0.500, */*;q=0.100")
        #expect(AcceptField("a/b;x=y;q=1, c/d", for: nil).text == "a/b;x=y, c/d")
        #expect(AcceptField("a/b; ;;x=y; ", for: nil).text == "a/b;x=y")
        #expect(AcceptField("q=/b;q=0.5, c/d", for: nil).text == "c/d, q=/b;q=0.500")
    }

    @Test("No wish is any", arguments: [nil, "", "*/*", "nonsense", "a/b;q=0", ",,;"])
    func noWish(_ value: String?) {
        #expect(AcceptField(value, for: nil).text == "*/*")
    }

    @Test("A Python index has three forms")
    func python() {
        let json = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
        for (value, expected) in [
            ("application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01", json),
            ("application/vnd.pypi.simple.latest+json", json), ("text/html, application/vnd.pypi.simple.v1+json", json),
            ("text/html, application/vnd.pypi.simple.v1+json;q=0.5", "text/html"), ("application/vnd.pypi.simple.v1+json;q=0", "text/html"),
            ("application/vnd.pypi.simple.v1+html, text/html;q=0.1", "application/vnd.pypi.simple.v1+html, text/html;q=0.5"),
            ("text/html", "text/html"), ("*/*", "text/html"),
        ] {
            #expect(AcceptField(value, for: .python).text == expected, "\(value)")
        }
    }

    @Test("A package of npm has a short form and a long one")
    func npm() {
        let short = "application/vnd.npm.install-v1+json, application/json;q=0.8"
        #expect(AcceptField("application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*", for: .npm).text == short)
        #expect(AcceptField("application/json", for: .npm).text == "application/json")
        #expect(AcceptField(nil, for: .npm).text == "application/json")
    }

    @Test("Where it is known between what an origin chooses, nothing else makes a difference")
    func known() {
        for (value, expected) in [
            ("b/b, a/a", "a/a, b/b"), ("a/a;q=0.123, b/b;q=0.5", "a/a, b/b"), ("b/b, c/c;q=0.1", "b/b, */*"), ("b/b, */*", "b/b, */*"),
            ("a/a;q=0, b/b", "b/b"), ("a/a;x=y", "*/*"), ("c/1, c/2", "*/*"), ("", "*/*"),
        ] {
            #expect(AcceptField(value, for: nil, among: ["a/a", "b/b"]).text == expected, "\(value)")
            #expect(AcceptField(value, for: nil, among: []).text == "*/*", "\(value)")
            #expect(AcceptField(value, for: .condaRepodata, among: []).text == "*/*", "\(value)")
            #expect(AcceptField(value, for: .python, among: []).text == "text/html", "\(value)")
        }
    }

    @Test("A field of any length costs no more than its first types")
    func long() {
        let value = (0..<100_000).map { "a/\($0)" }.joined(separator: ",")
        #expect(AcceptField(value, for: nil).text.split(separator: ",").count == 32)
    }
}
