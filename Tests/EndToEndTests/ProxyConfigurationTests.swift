import Foundation
import MirrorCore
import NIOCore
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// The configurations of proxies in `docs/operations.md`, run as they stand, but for ports, in front of a mirror.
    @Suite(.timeLimit(.minutes(2)))
    struct ProxyConfigurationTests {
        enum Proxy: String, CaseIterable, Sendable {
            case nginxHTTP = "nginx http"
            case nginxStream = "nginx stream"
            case haproxyHTTP = "haproxy http"
            case haproxyTCP = "haproxy tcp"

            var isNginx: Bool { self == .nginxHTTP || self == .nginxStream }
            var usesProxyProtocol: Bool { self == .nginxStream || self == .haproxyTCP }

            /// What the page has behind the comment with this name.
            func documented() throws -> String {
                let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
                let text = try String(contentsOf: root.appending(path: "docs/operations.md"), encoding: .utf8)
                let begin = try #require(text.firstRange(of: "<!-- proxy: \(rawValue) -->\n```\n"), "\(rawValue)")
                let rest = text[begin.upperBound...]
                let end = try #require(rest.firstRange(of: "\n```\n"))
                return String(rest[..<end.lowerBound])
            }

            /// Writes a file that the proxy can be started with.
            ///
            /// - Returns: The command.
            func command(listening port: Int, for mirror: Int, admin: Int, in directory: TemporaryDirectory) throws -> [String] {
                var text = try documented()
                #expect(text.matches(of: /listen [0-9]+|bind :[0-9]+/).count == 1)
                #expect(text.contains("127.0.0.1:8080"))
                text = text.replacing(/(listen |bind )(?::)?[0-9]+/) { "\($0.1)127.0.0.1:\(port)" }
                text = text.replacing("127.0.0.1:8080", with: "127.0.0.1:\(mirror)").replacing("port 9090", with: "port \(admin)")
                guard isNginx else { return ["haproxy", "-db", "-f", try directory.write(text + "\n", to: "haproxy.cfg")] }
                let path = directory.path
                let isHTTP = self == .nginxHTTP
                let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(path)/\($0);" }
                // One process, which stays this user also if that is root.
                let file = try directory.write(
                    """
                    \(isHTTP ? "" : "load_module /usr/lib/nginx/modules/ngx_stream_module.so;")
                    daemon off;
                    master_process off;
                    error_log stderr warn;
                    pid \(path)/nginx.pid;
                    events { worker_connections 1024; }
                    \(isHTTP ? "http { access_log off; \(paths.joined(separator: " "))" : "stream {")
                    \(text)
                    }

                    """, to: "nginx.conf")
                return ["nginx", "-e", "stderr", "-p", path, "-c", file]
            }
        }

        private struct Line: Decodable, Equatable {
            let client: String?
            let outcome: String
        }

        private func isUp(_ url: String, _ process: ChildProcess) async -> Bool {
            if process.ended != nil { return true }
            return (try? await HTTP.send(.GET, "\(url)/healthz"))?.status == 200
        }

        /// Runs the proxy in front of a mirror.
        ///
        /// - Parameter admin: The port of `admin.listen`.
        /// - Parameter body: Gets the address of the proxy.
        private func withProxy(
            _ proxy: Proxy, to mirror: MirrorProcess, admin: Int = 0, _ body: (String) async throws -> Void
        ) async throws {
            let directory = try TemporaryDirectory()
            let port = try await FreePort.next()
            let mirrorPort = try #require(mirror.url.split(separator: ":").last.flatMap { Int($0) })
            let command = try proxy.command(listening: port, for: mirrorPort, admin: admin, in: directory)
            let process = try await ChildProcess.start("env", ["PATH=/usr/sbin:/usr/bin:/bin"] + command)
            do {
                let url = "http://127.0.0.1:\(port)"
                try await eventually("\(proxy.rawValue) answers, or ends") { await isUp(url, process) }
                try #require(process.ended == nil)
                try await body(url)
                process.send(.terminate)
                _ = try await process.end()
            } catch {
                process.send(.kill)
                Issue.record("\(proxy.rawValue) wrote: \((try? await process.end())?.output ?? "")")
                throw error
            }
        }

        @Test(
            "Behind the documented proxies, URLs arrive as they were sent, objects are whole, and clients are told apart",
            arguments: Proxy.allCases)
        func works(_ proxy: Proxy) async throws {
            let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &>> 3) }
            let admin = try await FreePort.next()
            try await FakeOrigin.run { origin async throws in
                // What a proxy that reads paths would change.
                let path = "/a%2Fb//c%20d.bin"
                origin.on(path, .body(bytes))
                var settings = MirrorSettings(allow: [origin.url("/")])
                settings.logOptions = ", redirects: stdout"
                settings.adminKeys = "tokens: [\(settings.token)], listen: \"127.0.0.1:\(admin)\""
                settings.serverOptions = proxy.usesProxyProtocol ? ", proxyProtocol: true" : ""
                settings.more = ["selection: {trustedProxies: [127.0.0.1]}"]
                try await MirrorProcess.run(settings) { mirror async throws in
                    try await withProxy(proxy, to: mirror, admin: admin) { url async throws in
                        // From another address than the proxy's own, and with a field that is not to be believed.
                        let curl = ["curl", "-s", "--path-as-is", "--interface", "127.0.5.1", "-H", "X-Forwarded-For: 198.51.100.1"]
                        let target = "\(url)/v1/redirect/\(MirrorProcess.pool)/\(PercentCoding.encode(origin.url(path)))"
                        let cold = try await Client.run(curl + ["-i", target])
                        #expect(cold.output.lowercased().contains("x-cloud-mirror-outcome: wait\r\n"), "\(cold.output)")
                        #expect(Set(origin.requests.map(\.uri)) == [path])
                        let files = try TemporaryDirectory()
                        let hot = try await Client.run(curl + ["-f", "-L", "-o", "\(files.path)/out", target])
                        #expect(hot.exit == .code(0), "\(hot.errors)")
                        #expect(try files.read("out") == bytes)
                        for outcome in ["wait", "hit"] {
                            let line = try await JSONDecoder().decode(Line.self, from: Data(mirror.outputLine().utf8))
                            #expect(line == Line(client: "127.0.5.0/24", outcome: outcome))
                        }
                    }
                }
            }
        }

        @Test("The dashboard's figures come through the documented proxies as they are made", arguments: [Proxy.nginxHTTP, .haproxyHTTP])
        func events(_ proxy: Proxy) async throws {
            var settings = MirrorSettings(allow: ["https://artifacts.example.org/"])
            settings.more = ["selection: {trustedProxies: [127.0.0.1]}"]
            try await MirrorProcess.run(settings) { mirror async throws in
                try await withProxy(proxy, to: mirror) { url async throws in
                    let login = try await HTTP.send(
                        .POST, "\(url)/dashboard/login", headers: ["Content-Type": "application/x-www-form-urlencoded"],
                        body: "token=\(mirror.token)")
                    #expect(login.status == 303)
                    let cookie = try #require(login.headers.first(name: "Set-Cookie")?.split(separator: ";").first)
                    let stream = try await HTTP.open(.GET, "\(url)/dashboard/events", headers: ["Cookie": String(cookie)])
                    #expect(stream.status == .ok)
                    var text = ""
                    for try await chunk in stream.body {
                        text += String(buffer: chunk)
                        // The stream does not end by itself.
                        if text.matches(of: /event: rows\n/).count == 2 { break }
                    }
                    #expect(text.matches(of: /event: rows\n/).count == 2)
                }
            }
        }

        @Test("Each time-out that applies while a request waits is longer than it may wait", arguments: Proxy.allCases)
        func timeouts(_ proxy: Proxy) throws {
            let found = try proxy.documented().matches(of: /(?:proxy_read_timeout|proxy_timeout|timeout client|timeout server) +([0-9]+)s/)
            let seconds = found.compactMap { Int($0.1) }
            #expect(seconds.count == (proxy.isNginx ? 1 : 2))
            // The default of `redirect.waitLimit`.
            #expect(seconds.allSatisfy { $0 > 300 }, "\(seconds)")
        }
    }
}
