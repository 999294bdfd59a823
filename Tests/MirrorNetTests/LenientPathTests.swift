import Testing

@testable import MirrorNet

@Suite struct LenientPathTests {
    @Test(
        "A path is read as a lenient server may read it",
        arguments: [
            ("/a//b///c", "/a/b/c"), ("/a%2Fb", "/a/b"), ("/a%252Fb", "/a/b"), ("/a%5Cb", "/a/b"), ("/a;x=1/b;y", "/a/b"),
            ("/a./b.", "/a/b"),
            ("/a%20/b%0A", "/a/b"), ("/x/..%2Fb", "/b"), ("/x/..;/b", "/b"), ("/..%2F..%2Fa", "/a"), ("/a%2F", "/a/"), ("/a//", "/a/"),
            ("/%2F", "/"), ("/a%00b", "/a"), ("/a%3Fb", "/a"), ("/a%23b", "/a"), ("/...%2Fa", "/a"), ("/a%C0%AFb", "/a/b"),
            ("/a%2Fb%20c", "/a/b%20c"), ("/a%2Fb%E9", "/a/b%E9"), ("/.;/a", "/a"), ("/;/a", "/a"),
        ])
    func readings(path: String, read: String) {
        #expect(path.lenientPath == read)
        #expect(read.lenientPath == nil)
    }

    @Test(
        "A path that everybody reads in the same way stays as it is",
        arguments: ["/", "/a", "/a/b.zip", "/a/", "/simple/six/", "/@scope/a-1.0.tgz", "/a+b=c,d", "/b%20c", "/%E9", "/.hidden/..a/b"])
    func plain(path: String) {
        #expect(path.lenientPath == nil)
    }
}
