import MirrorCore
import Testing

@testable import CloudMirror

@Suite struct DownloadLogicTests {
    private static let artifact = "https://artifacts.example.org/firefox.tar.bz2"
    /// SHA-256 of nothing, from RFC 6234's test vectors by way of every implementation.
    private static let emptySHA256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

    @Test("A response continues, replaces or completes what is there")
    func transferStart() {
        func start(_ status: Int, _ offset: Int64, range: String? = nil, length: String? = nil) -> TransferStart {
            TransferStart(status: status, offset: offset, contentRange: range, contentLength: length)
        }
        #expect(start(200, 0, length: "10") == .restart(total: 10))
        #expect(start(200, 5) == .restart(total: nil))
        #expect(start(206, 5, range: "bytes 5-9/10", length: "5") == .append(total: 10))
        #expect(start(206, 5, range: "bytes 5-9/*") == .append(total: nil))
        #expect(start(206, 5, range: "bytes 4-9/10") == .discard)
        #expect(start(206, 5) == .discard)
        #expect(start(206, 0, range: "bytes 0-9/10") == .discard)
        #expect(start(416, 10, range: "bytes */10") == .complete)
        #expect(start(416, 12, range: "bytes */10") == .discard)
        #expect(start(416, 12) == .discard)
        #expect(start(416, 0) == .failed(status: 416))
        #expect(start(404, 5) == .failed(status: 404))
        #expect(start(503, 0) == .failed(status: 503))
    }

    @Test("Only what a strong validator names is continued, and only for the same artifact")
    func partialRecord() throws {
        let artifact = try ArtifactURL(Self.artifact)
        let other = try ArtifactURL(Self.artifact + "?v=2")
        #expect(PartialRecord(artifact: artifact, etag: "\"a\"", lastModified: "x")?.validator == "\"a\"")
        #expect(
            PartialRecord(artifact: artifact, etag: "W/\"a\"", lastModified: "Sun, 06 Nov 1994 08:49:37 GMT")?.validator.hasPrefix("Sun")
                == true)
        #expect(PartialRecord(artifact: artifact, etag: "W/\"a\"", lastModified: nil) == nil)
        #expect(PartialRecord(artifact: artifact, etag: "\"", lastModified: "") == nil)
        let record = PartialRecord(artifact: artifact, etag: "\"a\"", lastModified: nil)
        let fields = PartialRecord.rangeFields(of: record, artifact: artifact, offset: 7)
        #expect(fields.map { "\($0.0): \($0.1)" } == ["range: bytes=7-", "if-range: \"a\""])
        #expect(PartialRecord.rangeFields(of: record, artifact: artifact, offset: 0).isEmpty)
        #expect(PartialRecord.rangeFields(of: record, artifact: other, offset: 7).isEmpty)
        #expect(PartialRecord.rangeFields(of: nil, artifact: artifact, offset: 7).isEmpty)
    }

    private static func answer(_ status: Int, _ fields: [String: String] = [:], _ message: String? = nil) -> MirrorAnswer {
        let error = message.map {
            ErrorAnswer(code: "OriginError", message: $0, err: nil, url: nil, method: "GET", path: "/", time: "")
        }
        return MirrorAnswer(.init(status: status, field: { fields[$0] }, error: error))
    }

    @Test("The mirror's answer decides between copy, error and origin")
    func mirrorAnswer() {
        func answer(_ status: Int, _ outcome: String, _ message: String? = nil) -> MirrorAnswer {
            Self.answer(status, ["x-cloud-mirror-outcome": outcome], message)
        }
        func exit(_ answer: MirrorAnswer) -> CommandExit? {
            if case .refused(_, let exit) = answer { return exit }
            return nil
        }
        func isUnusable(_ answer: MirrorAnswer) -> Bool {
            if case .unusable = answer { return true }
            return false
        }
        let redirect = Self.answer(
            302,
            [
                "location": "/local/dev/x", "repr-digest": "sha-256=:\(Self.emptySHA256):", "x-cloud-mirror-outcome": "hit",
                "x-cloud-mirror-pool": "local/dev",
            ])
        #expect(
            redirect
                == .redirect(
                    .init(location: "/local/dev/x", sha256: Digest(.sha256, base64: Self.emptySHA256), outcome: "hit", pool: "local/dev")))
        #expect(Self.answer(302, ["location": "?hop=2", "x-cloud-mirror-outcome": "hop"]) == .hop(location: "?hop=2"))
        #expect(isUnusable(answer(302, "hit")))
        for status in [200, 204, 300, 304] { #expect(isUnusable(answer(status, "hit")), "\(status)") }
        for status in [429, 500, 503] { #expect(isUnusable(answer(status, "fallback")), "\(status)") }
        for status in [400, 401, 403, 404, 410, 451] { #expect(exit(answer(status, "error")) == .notAvailable, "\(status)") }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            #expect(answer(status, "error", "not now") == .originFailed(status: status, said: ": not now"), "\(status)")
        }
        #expect(exit(answer(403, "refused")) == .failed)
        #expect(exit(answer(404, "refused")) == .failed)
        #expect(answer(403, "refused", "no\u{1B}[2J") == .refused(message: "the mirror refuses (status 403): no?[2J", exit: .failed))
    }

    @Test(
        "An answer that does not say that it is a mirror's is nobody's word",
        arguments: [200, 204, 301, 302, 307, 400, 401, 403, 404, 410, 429, 500, 503])
    func otherAnswers(status: Int) {
        let answer = Self.answer(
            status, ["location": "https://login.example/", "repr-digest": "sha-256=:\(Self.emptySHA256):"], "not found")
        guard case .unusable(let reason) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(reason.contains("does not look like a cloud-mirror"))
        #expect(reason.contains("\(status)"))
    }

    @Test("A hop is followed on the same mirror alone")
    func hops() throws {
        let address = try MirrorAddress("http://mirror.example:8080/base")
        let asked = "http://mirror.example:8080/base/v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fx?wait=5"
        let path = "http://mirror.example:8080/base/v1/redirect/local/dev/https%3A%2F%2Fa.example%2Fx"
        #expect(address.hop(to: "?wait=5&hop=1", from: asked) == path + "?wait=5&hop=1")
        #expect(address.hop(to: "/base/v1/redirect/x?hop=1", from: asked) == "http://mirror.example:8080/base/v1/redirect/x?hop=1")
        #expect(address.hop(to: "https%3A%2F%2Fa.example%2Fx?hop=1", from: asked) == path + "?hop=1")
        #expect(address.hop(to: path + "?hop=1", from: asked) == path + "?hop=1")
        #expect(address.hop(to: "HTTP://Mirror.example:8080/x", from: asked) == "HTTP://Mirror.example:8080/x")
        #expect(address.hop(to: "//mirror.example:8080/x", from: asked) == "http://mirror.example:8080/x")
        for elsewhere in [
            "http://mirror.example/x", "https://mirror.example:8080/x", "http://other.example:8080/x", "//other.example:8080/x",
            "http://mirror.example:8080@evil.example/x", "javascript:x", "http://mirror.example:8080.evil.example/",
        ] {
            #expect(address.hop(to: elsewhere, from: asked) == nil, "\(elsewhere)")
        }
        // As long as a canonical URL may be, percent-encoded: longer than one.
        let long = try ArtifactURL("https://a.example/" + String(repeating: "/", count: 8_000))
        let url = address.redirect(to: long, pool: nil, wait: nil)
        #expect(url.utf8.count > ArtifactURL.maxLength)
        #expect(address.hop(to: "?hop=1", from: url) == url + "?hop=1")
    }

    @Test("The URLs of a mirror's routes")
    func mirrorAddress() throws {
        let artifact = try ArtifactURL("https://a.example/x y?sig=1&b=2")
        let address = try MirrorAddress("HTTPS://Mirror.example/base//?ignored")
        #expect(address.description == "https://mirror.example/base")
        let encoded = "https%3A%2F%2Fa.example%2Fx%2520y%3Fsig%3D1%26b%3D2"
        #expect(address.redirect(to: artifact, pool: nil, wait: nil) == "https://mirror.example/base/v1/redirect/\(encoded)")
        #expect(
            address.redirect(to: artifact, pool: PoolID("local/dev"), wait: 5)
                == "https://mirror.example/base/v1/redirect/local/dev/\(encoded)?wait=5")
        #expect(address.purge(.url(artifact), pool: nil) == "https://mirror.example/base/v1/purge/\(encoded)")
        #expect(
            address.replicas(pool: PoolID("local/dev"), state: "error", after: "a/b&c", limit: 9)
                == "https://mirror.example/base/v1/replicas?pool=local%2Fdev&state=error&after=a%2Fb%26c&limit=9")
        #expect(throws: ArtifactURLError.self) { try MirrorAddress("mirror.example") }
    }

    @Test("Redirects are resolved, absolute ones left as they are, and none leads from HTTPS to HTTP")
    func redirects() throws {
        #expect(try HTTPTransport.resolve("/local/x", from: "http://127.0.0.1:8080/v1/y") == "http://127.0.0.1:8080/local/x")
        #expect(try HTTPTransport.resolve("https://s3.example/a%7eb?X=%2f", from: "http://m.example/") == "https://s3.example/a%7eb?X=%2f")
        for location in ["/a?from=https://b.example/", "//m.example/a?from=https://b.example/"] {
            #expect(try HTTPTransport.resolve(location, from: "https://m.example/") == "https://m.example/a?from=https://b.example/")
        }
        #expect(throws: HTTPTransport.Unreachable.self) { try HTTPTransport.resolve("http://s3.example/a", from: "https://m.example/") }
        #expect(throws: HTTPTransport.Unreachable.self) { try HTTPTransport.resolve("ftp://s3.example/a", from: "https://m.example/") }
    }
}
