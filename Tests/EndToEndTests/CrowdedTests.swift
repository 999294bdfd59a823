#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import MirrorCore
import NIOCore
import NIOHTTP1
import NIOPosix
import TestServers
import Testing

extension EndToEnd {
    /// More clients than there is room for, and clients with large heads.
    @Suite(.timeLimit(.minutes(3)))
    struct CrowdedTests {
        /// Seconds of processor time that a process has used.
        private static func cpu(of process: Int32) throws -> Double {
            let stat = String(decoding: try Data(contentsOf: URL(filePath: "/proc/\(process)/stat")), as: UTF8.self)
            let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
            return [fields[11], fields[12]].compactMap { Double($0) }.reduce(0, +) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }

        /// KiB of memory that a process holds.
        private static func memory(of process: Int32) throws -> Int {
            let status = String(decoding: try Data(contentsOf: URL(filePath: "/proc/\(process)/status")), as: UTF8.self)
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
            return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
        }

        private static func connect(_ port: Int, sending text: String = "") async throws -> any Channel {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port)
                .get()
            if !text.isEmpty { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }
            return channel
        }

        @Test("Without descriptors for more connections, none is accepted for a moment, at no cost, and it goes on when there are some")
        func descriptors() async throws {
            let directory = try TemporaryDirectory()
            let settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
            let process = try await ChildProcess.start(
                "prlimit", ["--nofile=100:100", try TestEnvironment.executable(), "serve", "--config", file, "--print-ready"],
                errorFile: "\(directory.path)/stderr.log")
            let url = try #require(URL(string: String(try await process.line { $0.hasPrefix("ready ") }.dropFirst("ready ".count))))
            let port = try #require(url.port)
            var channels: [any Channel] = []
            for _ in 0..<150 { channels.append(try await Self.connect(port)) }
            try await eventually("accepting pauses") {
                try directory.read("stderr.log").count > 0
                    && String(decoding: try directory.read("stderr.log"), as: UTF8.self).contains("connections cannot be accepted")
            }
            let before = try Self.cpu(of: process.id)
            // Over a second, which is what is measured.
            try await Task.sleep(for: .seconds(2))
            let used = try Self.cpu(of: process.id) - before
            #expect(used < 0.3, "\(used) s of processor time in 2 s")
            for channel in channels { try? await channel.close().get() }
            #expect(try await HTTP.send(.GET, "\(url)/healthz").status == 200)
            let metrics = try await HTTP.send(.GET, "\(url)/metrics").text
            let line = metrics.split(separator: "\n").first { $0.hasPrefix("cloud_mirror_accept_pauses_total ") }
            #expect(try #require(line?.split(separator: " ").last.flatMap { Double($0) }) >= 5)
            process.send(.terminate)
            #expect(try await process.end().exit == .code(0))
        }

        @Test(
            "A thousand clients that wait with heads of 31 KB cost little more than a thousand with small ones",
            arguments: ["X-Padding", "User-Agent", "Cookie", "Authorization"])
        func largeHeads(field: String) async throws {
            try await FakeOrigin.run { origin in
                let gate = FakeGate()
                origin.on("/a.bin", .body([1, 2, 3]).with { $0.gate = gate })
                var settings = MirrorSettings(allow: [origin.url("/")])
                (settings.maxWait, settings.hop, settings.idleTimeout) = ("120s", "120s", "120s")
                try await MirrorProcess.run(settings) { mirror in
                    try await Self.compare(mirror, origin.url("/a.bin"), field)
                }
                gate.open()
            }
        }

        private static func compare(_ mirror: MirrorProcess, _ artifact: String, _ field: String) async throws {
            let path = PercentCoding.encode(artifact)
            let id = try #require(mirror.processID)
            let port = try #require(URL(string: mirror.url)?.port)
            for _ in 1...3 { _ = try await mirror.send(.GET, "/metrics") }
            let before = try Self.memory(of: id)
            let head =
                "GET /v1/redirect/local/dev/\(path) HTTP/1.1\r\nHost: h\r\n\(field): \(String(repeating: "x", count: 31_000))\r\n\r\n"
            var channels: [any Channel] = []
            for _ in 0..<1_000 { channels.append(try await Self.connect(port, sending: head)) }
            try await eventually("all wait") {
                try await mirror.send(.GET, "/metrics").text.contains("cloud_mirror_waiting_requests 1000.0")
            }
            let grown = try Self.memory(of: id) - before
            #expect(grown < 40 << 10, "\(grown) KiB for a thousand")
            for channel in channels { try? await channel.close().get() }
            try await eventually("nobody waits") {
                try await mirror.send(.GET, "/metrics").text.contains("cloud_mirror_waiting_requests 0.0")
            }
        }
    }
}
