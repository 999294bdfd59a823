import MirrorCore
import MirrorTesting
import NIOCore
import NIOHTTP1
import Testing

@Suite("A mirror with a webdav pool", .timeLimit(.minutes(5)))
struct MirrorTests {
    /// A configuration with a pool on `nginx` and an origin on this machine.
    private func configuration(_ nginx: Nginx, origin: String, in directory: TestDirectory) throws -> String {
        try directory.write("\(Nginx.password)\n", to: "password")
        return try directory.write(
            """
            listen: 127.0.0.1:0
            stateDirectory: state
            origins:
              allow: ["\(origin)/"]
              requireHTTPS: false
              allowAddresses: [127.0.0.0/8]
            pools:
              webdav/test:
                url: \(nginx.url)
                username: \(Nginx.username)
                passwordFile: password
            redirect: {maxWait: 30s, hop: 60s, hops: 0}

            """, to: "config.yaml")
    }

    @Test("redirects to a verified copy on the server, the second time at once")
    func redirect() async throws {
        let directory = try TestDirectory()
        let sample = try SampleObject("tool 1.0+ü.tar.gz", size: 3_000_001)
        let origin = { @Sendable (_: ScriptedServer.Request) in
            ScriptedServer.Answer(status: 200, headers: ["ETag": "\"v1\"", "Content-Type": "application/gzip"], body: sample.bytes)
        }
        try await Nginx.run { nginx in
            try await ScriptedServer.run(origin) { origin in
                let file = try configuration(nginx, origin: origin.url, in: directory)
                try await WebDAVMirror.serve(file, in: directory) { mirror in
                    let artifact = "\(origin.url)/releases/tool%201.0+%C3%BC.tar.gz"
                    let request = "\(mirror)/v1/redirect/webdav/test/\(PercentCoding.encode(artifact))"
                    let client = Client()
                    let first = try await client.get(request)
                    #expect(first.status == 302)
                    let location = try #require(first.location)
                    #expect(location == "\(nginx.url)/objects/\(ObjectKey(try ArtifactURL(artifact)).location)")
                    var copy = sample
                    copy.bytes = try await client.get(location).body
                    #expect(try copy.sha256 == sample.sha256)

                    let asked = origin.requests.count
                    let second = try await client.get(request)
                    #expect(second.status == 302 && second.location == location)
                    #expect(origin.requests.count == asked)
                    #expect(try nginx.files().count == 2)
                }
            }
        }
    }

    @Test("says in `pools check` whether the server lets it in")
    func checks() async throws {
        let directory = try TestDirectory()
        try await Nginx.run { nginx in
            let file = try configuration(nginx, origin: "http://127.0.0.1:1", in: directory)
            let fine = try await WebDAVMirror.run(["pools", "check", "--config", file], in: directory)
            #expect(fine.status == 0, "\(fine)")
            try directory.write("another-password\n", to: "password")
            let refused = try await WebDAVMirror.run(["pools", "check", "--config", file], in: directory)
            #expect(refused.status == 1, "\(refused)")
            #expect((refused.output + refused.errors).contains("the server answers 401"), "\(refused)")
        }
    }
}

extension ObjectKey {
    /// As the end of a URL below `objects/`.
    fileprivate var location: String { "\(hash.prefix(2))/\(percentEncoded)" }
}
