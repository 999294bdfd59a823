import MirrorCore
import Testing

@Suite("Names with the parameters that a rule lists")
struct QueryNamesTests {
    private static let base = "https://host.example/path/obj.bin"

    private static func name(_ query: String, _ names: [String]) throws -> String {
        let source = ArtifactSource(try ArtifactURL("\(base)?\(query)"), .only(QueryNames(names)))
        #expect(source.url.description == "\(base)?\(query)")
        // What is fetched can be put together again, and a name is its own name.
        #expect(ArtifactSource(source.name, query: source.query) == source)
        #expect(ArtifactSource(source.name, .only(QueryNames(names))).name == source.name)
        return String(source.name.description.dropFirst(base.count))
    }

    @Test(
        "Only the parameters of these names are in the name, each with its order and its bytes",
        arguments: [
            ("version=2&token=t", "?version=2"), ("token=t&arch=arm64&x=1&version=2", "?arch=arm64&version=2"),
            ("version=2&arch=a", "?version=2&arch=a"), ("arch=a&version=2", "?arch=a&version=2"),
            // Repeated ones all count, and so do their values: empty, none, in any spelling.
            ("version=1&x=1&version=2", "?version=1&version=2"), ("version=&x=1", "?version="), ("version&x=1", "?version"),
            ("version=%41&x=1", "?version=%41"), ("version=a+b%20c&x", "?version=a+b%20c"), ("version=a=b=c&x=version", "?version=a=b=c"),
            ("version=%zz", "?version=%zz"),
            // Names as an origin may read them.
            ("%76ersion=2&x=1", "?%76ersion=2"), ("Version=2&VERSION=3", "?Version=2&VERSION=3"), ("versio%6E=2", "?versio%6E=2"),
            ("filter%5Bname%5D=a&filter[name]=b&filter=c", "?filter%5Bname%5D=a&filter[name]=b"),
            ("my+key=1&my%20key=2&mykey=3", "?my+key=1&my%20key=2"), ("caf%C3%A9=1&cafe=2", "?caf%C3%A9=1"),
            // An origin that splits at `;`, too, finds it there.
            ("x=1;version=2&y=3", "?x=1;version=2"), ("version=1;x=2", "?version=1;x=2"), ("x=1;y=2", ""),
            // Nothing of the list.
            ("x=1", ""), ("", ""), ("&", ""), ("=", ""), ("=version", ""), ("x=version", ""), ("versions=1&ersion=2&version%00=3", ""),
            ("%zz=1", ""), ("%=version", ""), ("%2576ersion=1", ""), ("&&version=2&&x=1&", "?version=2"),
        ])
    func keeps(_ query: String, _ expected: String) throws {
        #expect(try Self.name(query, ["version", "arch", "filter[name]", "my key", "café"]) == expected)
    }

    @Test("A listed name may be written as it stands in a query", arguments: ["filter%5Bname%5D", "filter[name]", "Filter[Name]"])
    func spelling(_ name: String) throws {
        #expect(try Self.name("filter[name]=1&x=2", [name]) == "?filter[name]=1")
        #expect(QueryNames([name]) == QueryNames(["filter[name]"]))
    }

    @Test("The parameters of a signature are in the name where they are listed, and nowhere else")
    func signatures() throws {
        let query = "X-Amz-Date=d&v=1&X-Amz-Signature=s"
        #expect(try Self.name(query, ["v"]) == "?v=1")
        #expect(try Self.name(query, ["x-amz-signature"]) == "?X-Amz-Signature=s")
    }
}
