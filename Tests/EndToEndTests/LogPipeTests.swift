#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import NIOHTTP1
import TestServers
import Testing

extension EndToEndWaits {
    /// Standard error is a pipe that nobody reads: the mirror must not care.
    @Suite(.timeLimit(.minutes(2)))
    struct LogPipeTests {
        @Test("With a log that nobody reads requests go on and memory stays bounded; once it is read, it says how much is missing")
        func unread() async throws {
            let directory = try TemporaryDirectory()
            let log = "\(directory.path)/log"
            try #require(mkfifo(log, 0o600) == 0)
            let descriptor = open(log, O_RDWR | O_NONBLOCK)
            defer { close(descriptor) }
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            // At which each that is refused has a line.
            settings.logLevel = "debug"
            let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
            let process = try await ChildProcess.start(
                try TestEnvironment.executable(), ["serve", "--config", file, "--print-ready"], errorFile: log)
            let url = String(try await process.line { $0.hasPrefix("ready ") }.dropFirst("ready ".count))
            // Each is refused, and logs a line of some 300 bytes: far more than a pipe and the queue take.
            let name = String(repeating: "x", count: 200)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        for number in 0..<2_500 {
                            let artifact = "https%3A%2F%2Frefused.example%2F\(name)-\(task)-\(number)"
                            let answer = try await HTTP.send(.GET, "\(url)/v1/redirect/local/dev/\(artifact)")
                            try #require(answer.status == 403)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await HTTP.send(.GET, "\(url)/healthz").status == 200)
            let metrics = try await HTTP.send(.GET, "\(url)/metrics").text
            let line = metrics.split(separator: "\n").first { $0.hasPrefix("cloud_mirror_log_lines_dropped_total ") }
            let dropped = try #require(line?.split(separator: " ").last.flatMap { Int($0) })
            #expect(dropped > 1_000)
            let memory = String(decoding: try Data(contentsOf: URL(filePath: "/proc/\(process.id)/status")), as: UTF8.self)
            let peak = memory.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            #expect(try #require(peak?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }) < 200_000)

            var text: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            try await eventually("the log says what is missing") {
                let count = read(descriptor, &chunk, chunk.count)
                if count > 0 { text += chunk[..<count] }
                return String(decoding: text, as: UTF8.self).contains("log lines were dropped")
            }
            let notice = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.contains("log lines were dropped") }
            #expect(notice?.contains("\"lines\":\(dropped)") == true)
            // With the pipe full again it ends all the same.
            for number in 0..<400 {
                _ = try await HTTP.send(.GET, "\(url)/v1/redirect/local/dev/https%3A%2F%2Frefused.example%2F\(name)-\(number)")
            }
            process.send(.terminate)
            #expect(try await process.end().exit == .code(0))
        }

        @Test("A log whose reader has gone is no reason to end")
        func noReader() async throws {
            let directory = try TemporaryDirectory()
            let log = "\(directory.path)/log"
            try #require(mkfifo(log, 0o600) == 0)
            let descriptor = open(log, O_RDWR | O_NONBLOCK)
            var settings = MirrorSettings(allow: ["http://127.0.0.1/"])
            // At which each that is refused has a line.
            settings.logLevel = "debug"
            let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
            let process = try await ChildProcess.start(
                try TestEnvironment.executable(), ["serve", "--config", file, "--print-ready"], errorFile: log)
            let url = String(try await process.line { $0.hasPrefix("ready ") }.dropFirst("ready ".count))
            close(descriptor)
            for number in 0..<10 {
                let answer = try await HTTP.send(.GET, "\(url)/v1/redirect/local/dev/https%3A%2F%2Frefused.example%2F\(number)")
                #expect(answer.status == 403)
            }
            try await eventually("lost lines are counted") {
                let metrics = try await HTTP.send(.GET, "\(url)/metrics").text
                let line = metrics.split(separator: "\n").first { $0.hasPrefix("cloud_mirror_log_lines_dropped_total ") }
                return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0 >= 10
            }
            process.send(.terminate)
            #expect(try await process.end().exit == .code(0))
        }
    }
}
