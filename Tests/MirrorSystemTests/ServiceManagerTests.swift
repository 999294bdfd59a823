import MirrorSystem
import TestServers
import Testing

@Suite("What the service manager is told")
struct ServiceManagerTests {
    @Test("Each state is one message, to a path or to a name in the abstract namespace")
    func messages() throws {
        let directory = try TemporaryDirectory()
        for path in ["\(directory.path)/notify", "@\(directory.path)/notify"] {
            let socket = try ManagerSocket(path)
            let manager = try #require(ServiceManager(path: path))
            manager.notify(.ready)
            manager.notify(.reloading)
            manager.notify(.ready)
            manager.notify(.stopping)
            let messages = socket.messages
            #expect(messages.count == 4)
            #expect(messages.first == "READY=1")
            let reloading = messages.dropFirst().first?.split(separator: "\n").map { $0.split(separator: "=") }
            #expect(reloading?.first?.map(String.init) == ["RELOADING", "1"])
            #expect(reloading?.last?.first == "MONOTONIC_USEC")
            #expect(reloading?.last?.last.flatMap { Int64($0) } ?? 0 > 0)
            #expect(messages.dropFirst(2) == ["READY=1", "STOPPING=1"])
        }
    }

    @Test("A manager that is gone is no reason to fail")
    func gone() throws {
        let directory = try TemporaryDirectory()
        try #require(ServiceManager(path: "\(directory.path)/nobody")).notify(.ready)
    }

    @Test("What is no address of a socket is not one", arguments: ["", "relative", "@", "/", "/" + String(repeating: "a", count: 200)])
    func nonsense(path: String) {
        #expect(ServiceManager(path: path) == nil)
    }
}
