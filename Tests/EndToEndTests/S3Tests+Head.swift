import Crypto
import MirrorCore
import NIOHTTP1
import StorageCloud
import StorageS3
import TestServers
import Testing

extension EndToEnd.S3Tests {
    private static let headThenGet = """
        import sys, urllib.request
        def ask(method, **fields):
            return urllib.request.urlopen(urllib.request.Request(sys.argv[1], method=method, headers=fields))
        head = ask("HEAD")
        assert head.status == 200 and head.geturl() == sys.argv[1], head.geturl()
        get = ask("GET", **{"If-Match": head.headers["ETag"], "If-Unmodified-Since": head.headers["Last-Modified"]})
        body = get.read()
        assert len(body) == int(head.headers["Content-Length"]), head.headers
        assert "/pool-" in get.geturl(), get.geturl()
        for name in ["ETag", "Last-Modified", "Content-Type", "Content-Disposition", "Accept-Ranges"]:
            assert head.headers[name] == get.headers[name] != None, (name, head.headers[name], get.headers[name])
        part = ask("GET", **{"Range": "bytes=2-5", "If-Range": head.headers["ETag"]})
        assert part.status == 206 and part.read() == body[2:6]
        """

    @Test("HEAD of a copy behind a presigned URL is answered by the mirror, with what a GET of the copy gives")
    func headOfCopy() async throws {
        let server = try S3Server()
        let pool = try await server.makeBucket("pool")
        try await FakeOrigin.run { origin async throws in
            origin.on(
                "/a.whl",
                .generated(size: 3 << 20).with {
                    $0.headers = [("Content-Type", "application/zip"), ("Content-Disposition", "attachment; filename=\"a b.whl\"")]
                })
            var settings = settings(server, pool: pool)
            settings.allow = [origin.url("/")]
            try await MirrorProcess.run(settings) { mirror async throws in
                #expect(try await redirect(mirror, origin.url("/a.whl")).outcome == "wait")
                let directory = try TemporaryDirectory()
                for _ in 1...2 {
                    let target = "\(mirror.url)/v1/redirect/\(Self.pool)/\(PercentCoding.encode(origin.url("/a.whl")))"
                    let curl = try await Client.run(["curl", "-sSIL", "-w", "%{num_redirects} %{http_code}", target], in: directory)
                    #expect(curl.exit == .code(0), "\(curl.errors)")
                    #expect(curl.output.hasSuffix("0 200"), "\(curl.output)")
                    #expect(curl.output.contains("ontent-Length: \(3 << 20)\r\n"), "\(curl.output)")
                    #expect(curl.output.contains("Repr-Digest: sha-256=:"), "\(curl.output)")
                    let python = try await Client.run([try await Client.python(), "-c", Self.headThenGet, target], in: directory)
                    #expect(python.exit == .code(0), "\(python.errors)")
                    // What is kept of the header survives a restart, and so does what is in front of it.
                    try await mirror.restart(after: .terminate)
                }
            }
        }
    }

    @Test("pip with fast-deps reads the header and ranges of a wheel that nobody has yet, and installs it")
    func fastDependencies() async throws {
        let server = try S3Server()
        let pool = try await server.makeBucket("pool")
        let wheel = "slow-1.0-py3-none-any.whl"
        let bytes = try await Client.wheel(size: 200_000)
        try await FakeOrigin.run { origin async throws in
            origin.on("/\(wheel)", .body(bytes))
            var settings = settings(server, pool: pool)
            settings.allow = [origin.url("/")]
            try await MirrorProcess.run(settings) { mirror async throws in
                let target = "\(mirror.url)/v1/redirect/\(Self.pool)/\(PercentCoding.encode(origin.url("/\(wheel)")))"
                let page = """
                    {"meta":{"api-version":"1.0"},"name":"slow","files":[{"filename":"\(wheel)","url":"\(target)","hashes":{}}]}
                    """
                origin.on(
                    "/simple/slow/",
                    .text(page).with { $0.headers = [("Content-Type", "application/vnd.pypi.simple.v1+json")] })
                let directory = try TemporaryDirectory()
                let result = try await Client.run(
                    [
                        try await Client.python(), "-m", "pip", "install", "--use-feature=fast-deps", "--target", "site",
                        "--disable-pip-version-check", "--no-cache-dir", "--index-url", origin.url("/simple/"), "slow",
                    ], in: directory)
                #expect(result.exit == .code(0), "\(result.output)\n\(result.errors)")
                #expect(result.output.contains("Obtaining dependency information from slow 1.0"), "\(result.output)\n\(result.errors)")
                #expect(directory.exists("site/slow.py"))
                let heads = try await mirror.metric("cloud_mirror_redirects_total", "outcome=\"pending\"", Self.pool)
                #expect(heads == 1)
                // The copy, and the first byte.
                #expect(origin.requests(for: "/\(wheel)").count == 2)
            }
        }
    }
}
