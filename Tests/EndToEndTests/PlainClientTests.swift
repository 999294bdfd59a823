import Crypto
import MirrorCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    /// Clients that speak HTTP/1 in ways of their own.
    @Suite(.timeLimit(.minutes(2)))
    struct PlainClientTests {
        /// A mirror of an origin with two artifacts, which answers one connection at a time.
        private static func run(
            _ change: (inout MirrorSettings) -> Void = { _ in }, size: Int64 = 300_000,
            _ body: (MirrorProcess, FakeOrigin, [(url: String, bytes: [UInt8])]) async throws -> Void
        ) async throws {
            try await FakeOrigin.run { origin in
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.maxConnections = 1
                change(&settings)
                try await MirrorProcess.run(settings) { mirror in
                    let artifacts = [UInt64(1), 2].map { seed in
                        let behavior = FakeBehavior.generated(size: size, seed: seed)
                        origin.on("/\(seed).bin", behavior)
                        return (
                            "\(mirror.url)/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/\(seed).bin")))",
                            behavior.body.bytes(0..<size)
                        )
                    }
                    try await body(mirror, origin, artifacts)
                }
            }
        }

        private static func sha256(_ bytes: [UInt8]) -> String { Hex.encode(SHA256.hash(data: bytes)) }

        @Test(
            "Java's own client offers HTTP/2 with each request, and downloads one artifact after the other over one connection",
            .enabled(if: PlainClient.isExpected("java")))
        func java() async throws {
            try await Self.run { mirror, origin, artifacts in
                let program = try mirror.directory.write(Self.javaProgram, to: "Download.java")
                let (exit, output) = try await PlainClient.run("java", [program] + (artifacts + artifacts).map(\.url))
                #expect(exit == .code(0), "\(output)")
                let lines = (artifacts + artifacts).map { "200 \(Self.sha256($0.bytes))\n" }
                #expect(output == lines.joined())
                #expect(origin.requests.count { $0.method == "GET" } == 2)
            }
        }

        private static let javaProgram = """
            import java.net.URI;
            import java.net.http.*;
            import java.security.MessageDigest;
            import java.time.Duration;
            import java.util.HexFormat;

            public class Download {
                public static void main(String[] urls) throws Exception {
                    var client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();
                    for (var url : urls) {
                        var request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30)).build();
                        var response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
                        var digest = MessageDigest.getInstance("SHA-256").digest(response.body());
                        System.out.println(response.statusCode() + " " + HexFormat.of().formatHex(digest));
                    }
                    System.exit(0);
                }
            }

            """

        @Test(
            "curl downloads over one connection when it offers HTTP/2, and in HTTP/1.0 over one or several",
            arguments: [
                (["--http2"], "1 0"), (["--http1.1"], "1 0"), (["--http1.0"], "2 2"), (["--http1.0", "-H", "Host:"], "2 2"),
                (["--http1.0", "-H", "Connection: keep-alive"], "1 0"), (["--http1.1", "-H", "Connection: close"], "2 2"),
            ])
        func curl(options: [String], connections: String) async throws {
            try await Self.run { mirror, origin, artifacts in
                var arguments = ["-sS", "-f", "-L", "--max-time", "60", "-w", "%{num_connects} "] + options
                for (number, artifact) in artifacts.enumerated() {
                    arguments += ["-o", "\(mirror.directory.path)/\(number)", artifact.url]
                }
                let (exit, output) = try await PlainClient.run("curl", arguments)
                #expect(exit == .code(0), "\(output)")
                #expect(output == connections + " ")
                for (number, artifact) in artifacts.enumerated() { #expect(try mirror.directory.read("\(number)") == artifact.bytes) }
            }
        }

        @Test(
            "ab, which speaks HTTP/1.0, gets all of its answers, with and without keep-alive", .enabled(if: PlainClient.isExpected("ab")),
            arguments: [false, true])
        func ab(keepsAlive: Bool) async throws {
            try await Self.run({ $0.maxConnections = 100 }) { mirror, _, artifacts in
                let redirect = try await PlainClient.run(
                    "curl", ["-sS", "-f", "-w", "%{redirect_url}", "-o", "/dev/null", artifacts[0].url])
                for url in [artifacts[0].url, redirect.output, "\(mirror.url)/healthz"] {
                    let (exit, output) = try await PlainClient.run(
                        "ab", ["-q", "-n", "300", "-c", "3", "-s", "20"] + (keepsAlive ? ["-k"] : []) + [url])
                    #expect(exit == .code(0), "\(url): \(output)")
                    let numbers = output.split(separator: "\n").reduce(into: [String: Substring]()) { numbers, line in
                        let words = line.split(separator: ":", maxSplits: 1)
                        if words.count == 2 { numbers[String(words[0])] = words[1].drop { $0 == " " } }
                    }
                    #expect(numbers["Complete requests"] == "300", "\(url)")
                    #expect(numbers["Failed requests"] == "0", "\(url)")
                    #expect(numbers["Keep-Alive requests"] == (keepsAlive ? "300" : nil), "\(url)")
                }
            }
        }

        @Test("A file that is read slowly and steadily is sent on for longer than the idle time")
        func slow() async throws {
            try await Self.run({ $0.patience = "2s" }, size: 32 << 20) { mirror, _, artifacts in
                let redirect = try await PlainClient.run(
                    "curl", ["-sS", "-f", "-w", "%{redirect_url}", "-o", "/dev/null", artifacts[0].url])
                let program = try mirror.directory.write(Self.slowProgram, to: "slow.py")
                let (exit, output) = try await PlainClient.run("python3", [program, redirect.output])
                #expect(exit == .code(0), "\(output)")
                #expect(output == "200 \(Self.sha256(artifacts[0].bytes))\n")
            }
        }

        /// Takes 40 kB in a second, for five of them, and then the rest.
        private static let slowProgram = """
            import hashlib, socket, sys, time, urllib.parse

            url = urllib.parse.urlsplit(sys.argv[1])
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((url.hostname, url.port))
            client.sendall(f"GET {url.path} HTTP/1.0\\r\\n\\r\\n".encode())
            answer = bytearray()
            end = time.monotonic() + 5
            while time.monotonic() < end:
                piece = client.recv(2048)
                if not piece:
                    sys.exit(f"cut off after {len(answer)} bytes")
                answer += piece
                time.sleep(0.05)
            while piece := client.recv(65536):
                answer += piece
            head, _, body = answer.partition(b"\\r\\n\\r\\n")
            print(head.split()[1].decode(), hashlib.sha256(body).hexdigest())

            """

        // MARK: Objects that are gone

        @Test("An object that somebody removed from the pool is copied again for the client that misses it")
        func missing() async throws {
            try await Self.run { mirror, origin, artifacts in
                func download() async throws -> Bool {
                    let (exit, output) = try await PlainClient.run(
                        "curl", ["-sS", "-f", "-L", "-o", "\(mirror.directory.path)/file", artifacts[0].url])
                    #expect(exit == .code(0), "\(output)")
                    return try mirror.directory.read("file") == artifacts[0].bytes
                }
                for _ in 0..<3 { #expect(try await download()) }
                #expect(origin.requests.count { $0.method == "GET" } == 1)
                let object = try #require(try mirror.objects().first)
                try mirror.directory.remove("pool/files/\(object)")
                for _ in 0..<3 { #expect(try await download()) }
                #expect(origin.requests.count { $0.method == "GET" } == 2)
                #expect(try mirror.objects() == [object])
            }
        }

        @Test("When the whole directory of a pool is gone its clients go to the origin, and readiness says so")
        func missingDirectory() async throws {
            try await Self.run({ $0.maxConnections = 100 }) { mirror, origin, artifacts in
                func download() async throws -> Bool {
                    let (exit, output) = try await PlainClient.run(
                        "curl", ["-sS", "-f", "-L", "-o", "\(mirror.directory.path)/file", artifacts[0].url])
                    #expect(exit == .code(0), "\(output)")
                    return try mirror.directory.read("file") == artifacts[0].bytes
                }
                for _ in 0..<2 { #expect(try await download()) }
                try mirror.directory.remove("pool")
                for _ in 0..<2 { #expect(try await download()) }
                for url in [artifacts[0].url, artifacts[1].url] {
                    let answer = try await HTTP.send(.GET, url)
                    #expect(answer.outcome == "fallback")
                    #expect(answer.location?.hasPrefix(origin.url("/")) == true)
                }
                #expect(try await mirror.send(.GET, "/readyz").status == 503)
            }
        }
    }
}
