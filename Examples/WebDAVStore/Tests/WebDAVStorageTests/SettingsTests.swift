import Testing

@Suite("Settings of webdav pools, as the executable reads them", .timeLimit(.minutes(5)))
struct SettingsTests {
    /// What `check-config` says of a file with these pools, which begin in its fifth line.
    private func check(_ pools: String, files: [String: String] = [:]) async throws -> WebDAVMirror.Said {
        let directory = try TestDirectory()
        for (name, text) in files { try directory.write(text, to: name) }
        let file = try directory.write(
            """
            listen: 127.0.0.1:0
            stateDirectory: state
            origins: {allow: [https://example.org/]}
            pools:
            \(pools)

            """, to: "config.yaml")
        var said = try await WebDAVMirror.run(["check-config", "--file-only", file], in: directory)
        // As an editor would show it, wherever the directory is.
        said.errors = said.errors.replacing("\(directory.path)/", with: "")
        return said
    }

    @Test("A pool with every key is fine")
    func fine() async throws {
        let said = try await check(
            """
              webdav/test:
                url: https://files.example.org/mirror/
                username: mirror
                passwordFile: password
                publicURL: https://mirror.example.org
                retention: {timeToLive: 7d}
            """, files: ["password": "s3cr3t\n"])
        #expect(said.status == 0, "\(said)")
        #expect(said.output.contains("pools: webdav/test"))
        #expect(!"\(said)".contains("s3cr3t"))
    }

    @Test("Plain HTTP is warned about")
    func plainHTTP() async throws {
        let said = try await check("  webdav/test: {url: http://files.example.org/}")
        #expect(said.status == 0, "\(said)")
        #expect(said.errors.contains("config.yaml:5:22: pools.webdav/test.url: uses plain HTTP"), "\(said)")
        #expect(said.errors.contains("(warning)"))
    }

    @Test("An unknown key is refused where it stands, and a missing one is named")
    func unknown() async throws {
        let said = try await check(
            """
              webdav/test:
                urll: https://files.example.org/
            """)
        #expect(said.status == 78, "\(said)")
        #expect(said.errors.contains("config.yaml:6:5: pools.webdav/test.urll: unknown key; did you mean 'url'?"), "\(said)")
        #expect(said.errors.contains("pools.webdav/test.url: is missing; write url: https://files.example.org/mirror/"), "\(said)")
    }

    @Test(
        "A value that makes no sense is refused where it stands",
        arguments: [
            ("url: ftp://files.example.org/", "6:10: pools.webdav/test.url: its value is not a URL"),
            ("url: https://files.example.org/?a=b", "6:10: pools.webdav/test.url: its value has a query"),
            ("url: https://mirror:s3cr3t@files.example.org/", "6:10: pools.webdav/test.url: its value is not a URL"),
            ("{url: 'https://a.example', username: 'a:b', password: s3cr3t}", "6:42: pools.webdav/test.username: 'a:b' is empty, too long"),
            ("{url: 'https://a.example', username: mirror}", "pools.webdav/test.password: is missing; write password"),
            ("{url: 'https://a.example', password: s3cr3t}", "pools.webdav/test.username: is missing; write username"),
            ("{url: 'https://a.example', username: a, passwordFile: nowhere}", "pools.webdav/test.passwordFile: nowhere cannot be read"),
            (
                "{url: 'https://a.example', username: a, password: s3cr3t, passwordFile: password}",
                "pools.webdav/test.passwordFile: cannot be combined with password; keep one of them"
            ),
        ])
    func refused(keys: String, message: String) async throws {
        let said = try await check("  webdav/test:\n    \(keys)", files: ["password": "s3cr3t\n"])
        #expect(said.status == 78, "\(said)")
        #expect(said.errors.contains(message), "\(said)")
        #expect(!"\(said)".contains("s3cr3t"))
    }

    @Test("Two pools cannot be one collection, with a slash or without")
    func clash() async throws {
        let said = try await check(
            """
              webdav/a: {url: https://files.example.org/mirror}
              webdav/b: {url: https://files.example.org/mirror/}
            """)
        #expect(said.status == 78, "\(said)")
        #expect(said.errors.contains("6:19: pools.webdav/b.url: is already the collection of the pool webdav/a"), "\(said)")
    }

    @Test("The reference, the example and the tables of capabilities and copies have the service")
    func generated() async throws {
        let directory = try TestDirectory()
        for (command, text) in [
            ("configuration-reference", "pools.webdav/office"), ("configuration-example", "webdav/office:"),
            ("capability-table", "`webdav`"), ("copy-table", "`webdav`"),
        ] {
            let said = try await WebDAVMirror.run(["generate", command], in: directory)
            #expect(said.status == 0)
            #expect(said.output.contains(text), "\(command)")
        }
    }
}
