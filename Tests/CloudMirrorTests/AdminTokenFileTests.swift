import Foundation
import MirrorCore
import TestServers
import Testing

@testable import MirrorNode
@testable import CloudMirror
@testable import MirrorSettings

@Suite("The file with the admin token for this machine")
struct AdminTokenFileTests {
    private static let address = ListenAddress(host: "127.0.0.1", port: 8_080)

    private func file(in directory: TemporaryDirectory, _ folder: String = "state") -> AdminTokenFile {
        AdminTokenFile(in: "\(directory.path)/\(folder)", for: Self.address)
    }

    @Test("It is made with its directories, for this account alone, and read back")
    func writes() throws {
        let directory = try TemporaryDirectory()
        let file = AdminTokenFile(in: "\(directory.path)/a/b/state", for: Self.address)
        let token = AdminTokenFile.makeToken()
        #expect(token.utf8.count == 64)
        #expect(token != AdminTokenFile.makeToken())
        try file.write(token)
        #expect(try file.read() == token)
        #expect(try directory.mode("a/b/state/admin-token-127.0.0.1:8080") == 0o600)
        for folder in ["a", "a/b", "a/b/state"] { #expect(try directory.mode(folder) == 0o700) }
        let next = AdminTokenFile.makeToken()
        try file.write(next)
        #expect(try file.read() == next)
        #expect(try directory.files(in: "a") == ["b/state/admin-token-127.0.0.1:8080"], "nothing else is left")
    }

    @Test("A link in its place is replaced and not followed, and one is not read")
    func links() throws {
        let directory = try TemporaryDirectory()
        let token = AdminTokenFile.makeToken()
        try file(in: directory).write(token)
        let other = try directory.write("of somebody else", to: "other")
        let path = file(in: directory).path
        try directory.remove("state/admin-token-127.0.0.1:8080")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other)
        #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory).read() }
        // Not even one that leads to a token.
        try directory.write("\(token)\n", to: "other")
        #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory).read() }
        try directory.write("of somebody else", to: "other")
        try file(in: directory).write(token)
        #expect(try file(in: directory).read() == token)
        #expect(try directory.read("other") == Array("of somebody else".utf8))
    }

    @Test("What others may read is theirs no more once it is written again")
    func modes() throws {
        let directory = try TemporaryDirectory()
        let name = "state/admin-token-127.0.0.1:8080"
        try file(in: directory).write(AdminTokenFile.makeToken())
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(directory.path)/\(name)")
        try file(in: directory).write(AdminTokenFile.makeToken())
        #expect(try directory.mode(name) == 0o600)
    }

    @Test(
        "What is not a token is not read: it would be sent",
        arguments: [
            "", "\n", "root:x:0:0:root:/root:/bin/bash\n", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
            String(repeating: "g", count: 64), "\(String(repeating: "a", count: 64))\nmore", "\n\(String(repeating: "a", count: 64))",
        ])
    func content(_ text: String) throws {
        let directory = try TemporaryDirectory()
        try file(in: directory).write(AdminTokenFile.makeToken())
        try directory.write(text, to: "state/admin-token-127.0.0.1:8080")
        let problem = #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory).read() }
        #expect(problem?.isMissing == false)
    }

    @Test("A directory or a pipe in its place is an error, and keeps nobody waiting")
    func oddFiles() async throws {
        let directory = try TemporaryDirectory()
        #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory).read() }
        try FileManager.default.createDirectory(atPath: file(in: directory).path, withIntermediateDirectories: true)
        #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory).write("x") }
        #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory).read() }
        #expect(try directory.files(in: "state").isEmpty)
        try directory.remove("state/admin-token-127.0.0.1:8080")
        try await ChildProcess.run("mkfifo", [file(in: directory).path])
        #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory).read() }
        // Where there can be no directory.
        try directory.write("", to: "file")
        #expect(throws: AdminTokenFile.Problem.self) { try file(in: directory, "file/state").write("x") }
    }

    // MARK: Who finds it

    private func tokens(_ url: String, in directory: TemporaryDirectory) throws -> LocalTokens? {
        LocalTokens(of: try ArtifactURL(url), stateDirectory: "\(directory.path)/state")
    }

    private func write(_ host: String, port: Int = 8_080, in directory: TemporaryDirectory) throws -> String {
        let token = AdminTokenFile.makeToken()
        try AdminTokenFile(in: "\(directory.path)/state", for: ListenAddress(host: host, port: port)).write(token)
        return token
    }

    @Test(
        "Only for an address of this machine one is looked for",
        arguments: [
            "http://192.0.2.1:8080", "http://10.0.0.1:8080", "http://mirror.example.org:8080", "http://127.0.0.1.example.org:8080",
            "http://localhost.example.org:8080", "http://0.0.0.0:8080", "http://[::]:8080", "http://[2001:db8::1]:8080",
            "http://[::ffff:192.0.2.1]:8080", "http://[fe80::1]:8080", "http://127.0.0.1:8081", "https://128.0.0.1:8080",
        ])
    func others(_ url: String) throws {
        let directory = try TemporaryDirectory()
        for host in ["127.0.0.1", "0.0.0.0", "::1", "::", "192.0.2.1", "localhost"] { _ = try write(host, in: directory) }
        // What is no URL of a mirror at all is as good.
        let found = try? tokens(url, in: directory)
        #expect(found?.next(besides: []) == nil)
    }

    @Test("The token of the listener that is called is found, or of one at all addresses")
    func listeners() throws {
        for (host, urls) in [
            ("127.0.0.1", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/prefix/", "https://127.0.0.1:8080", "http://localhost:8080"]),
            ("0.0.0.0", ["http://127.0.0.1:8080", "http://127.0.0.2:8080", "http://localhost:8080"]),
            ("::", ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"]),
            ("::1", ["http://[::1]:8080", "http://localhost:8080"]),
        ] {
            let directory = try TemporaryDirectory()
            let token = try write(host, in: directory)
            for url in urls { #expect(try tokens(url, in: directory)?.next(besides: []) == token, "\(host) \(url)") }
            #expect(try tokens("http://127.0.0.1:8081", in: directory)?.next(besides: []) == nil)
        }
        let directory = try TemporaryDirectory()
        _ = try write("127.0.0.1", in: directory)
        #expect(try tokens("http://[::1]:8080", in: directory)?.next(besides: []) == nil, "somebody else may listen there")
        #expect(try tokens("http://localhost:8080", in: directory)?.host.description == "127.0.0.1")
        #expect(try tokens("http://localhost:8080", in: TemporaryDirectory())?.next(besides: []) == nil)
    }

    @Test("A token that was refused is not tried again, and another one is")
    func tried() throws {
        let directory = try TemporaryDirectory()
        let old = try write("127.0.0.1", in: directory)
        let everywhere = try write("0.0.0.0", in: directory)
        let found = try #require(try tokens("http://127.0.0.1:8080", in: directory))
        #expect(found.next(besides: []) == old)
        #expect(found.next(besides: [old]) == everywhere)
        #expect(found.next(besides: [old, everywhere]) == nil)
        // The service was started again.
        let new = try write("127.0.0.1", in: directory)
        #expect(found.next(besides: [old, everywhere]) == new)
    }

    @Test("Without a directory it is looked for where a service of this account, or a packaged one, has it")
    func directories() throws {
        let directory = try TemporaryDirectory()
        let token = AdminTokenFile.makeToken()
        try AdminTokenFile(in: "\(directory.path)/cloud-mirror", for: Self.address).write(token)
        let environment = SettingsEnvironment.fake(variables: ["XDG_STATE_HOME": directory.path])
        let found = LocalTokens(of: try ArtifactURL("http://127.0.0.1:8080"), stateDirectory: nil, environment: environment)
        #expect(found?.next(besides: []) == token)
    }

    @Test("Who finds none is told what to do")
    func hints() throws {
        let directory = try TemporaryDirectory()
        let found = try #require(try tokens("http://127.0.0.1:8080", in: directory))
        #expect(found.hint.contains("--state-dir"))
        _ = try write("127.0.0.1", in: directory)
        try directory.write("nonsense", to: "state/admin-token-127.0.0.1:8080")
        #expect(found.hint.contains("\(directory.path)/state/admin-token-127.0.0.1:8080 cannot be read"))
        #expect(found.hint.contains("sudo"))
    }
}
