import NIOHTTP1
import TestServers
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(1)))
    struct ServiceManagerTests {
        @Test("The service manager hears when the mirror is ready, each time that it reloads, also in vain, and when it stops")
        func notifies() async throws {
            let directory = try TemporaryDirectory()
            let socket = try ManagerSocket("\(directory.path)/notify")
            var settings = MirrorSettings(allow: ["https://artifacts.example.org/"])
            let file = try directory.write(settings.yaml(in: directory.path), to: "config.yaml")
            let mirror = MirrorProcess(
                before: ["env", "NOTIFY_SOCKET=\(directory.path)/notify"], ["--config", file], in: directory, token: settings.token)
            try await mirror.whileRunning { mirror async throws in
                try await eventually("it says that it is ready") { socket.messages == ["READY=1"] }
                #expect(try await mirror.send(.GET, "/healthz").status == 200)

                settings.maxWait = "5s"
                #expect(try await mirror.reload(settings))
                try await eventually("it says that it has reloaded") { socket.messages.count == 3 }
                #expect(socket.messages[1].hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
                #expect(socket.messages[2] == "READY=1")

                settings.maxWait = "nonsense"
                #expect(try await !mirror.reload(settings))
                try await eventually("it is ready again") { socket.messages.count == 5 }
                #expect(socket.messages[4] == "READY=1")

                #expect(try await mirror.end(.terminate) == .code(0))
                #expect(socket.messages.dropFirst(5) == ["STOPPING=1"])
            }
        }
    }
}
