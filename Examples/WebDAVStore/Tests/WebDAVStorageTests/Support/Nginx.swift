import Foundation
import MirrorCore
import MirrorSettings
import MirrorStorage
import MirrorTesting
import WebDAVStorage

/// An nginx with its WebDAV modules: everybody may read, and who writes needs a password.
///
/// It runs as this user, in the foreground, in a directory of its own, and ends with the test.
struct Nginx: Sendable {
    static let username = "mirror"
    static let password = "a-password-of-a-test"
    private static let module = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so"

    struct Missing: Error, CustomStringConvertible {
        let what: String
        var description: String { "\(what) is missing: install the Debian packages nginx and libnginx-mod-http-dav-ext" }
    }

    let directory: TestDirectory
    /// The collection, without a slash at its end.
    let url: String

    /// One for all tests that keep apart by the names of what they store. It ends with this process.
    static let shared = Task { try await start() }

    /// Starts it, runs `body`, and ends it whatever happens.
    static func run<Result>(_ body: (Nginx) async throws -> Result) async throws -> Result {
        let (nginx, program) = try await start()
        do {
            let result = try await body(nginx)
            try await program.end()
            return result
        } catch {
            _ = try? await program.end()
            throw error
        }
    }

    var settings: WebDAVPoolSettings {
        get throws {
            WebDAVPoolSettings(
                url: try ArtifactURL(url), login: .init(username: Self.username, password: Secret(Self.password)), publicURL: nil)
        }
    }

    /// Runs `body` with a store in the collection.
    func withStore(_ body: (any ObjectStore) async throws -> Void) async throws {
        try await WebDAVStorageTests.withStore(settings, body)
    }

    /// Files of the collection.
    func files() throws -> [String] { try directory.files(in: "www/files/pool") }

    // MARK: The process

    private static func start() async throws -> (Nginx, TestProgram) {
        guard FileManager.default.fileExists(atPath: module) else { throw Missing(what: module) }
        let executable = try executable()
        // Another process may take the port in the meantime.
        for attempt in 1... {
            let directory = try TestDirectory()
            // Below those that the system gives to outgoing connections.
            let port = Int.random(in: 10_000..<32_000)
            for folder in ["www/files/pool", "temporary"] { try directory.makeDirectory(folder) }
            try directory.write("\(username):{PLAIN}\(password)\n", to: "users")
            let file = try directory.write(configuration(port: port, in: directory.path), to: "nginx.conf")
            let program = try TestProgram(
                "nginx", executable, ["-e", "stderr", "-p", directory.path, "-c", file], in: directory)
            let isUp = try await eventually("nginx listens on \(port), or ends") { () async -> Bool? in
                if !program.isRunning { return false }
                return FileManager.default.fileExists(atPath: "\(directory.path)/nginx.pid") ? true : nil
            }
            if isUp { return (Nginx(directory: directory, url: "http://127.0.0.1:\(port)/files/pool"), program) }
            guard attempt < 10, program.errors.contains("Address already in use") else {
                throw Missing(what: "an nginx that starts (it says: \(program.errors))")
            }
        }
        throw Missing(what: "a free port")
    }

    private static func executable() throws -> String {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin"]
        let found = folders.map { "\($0)/nginx" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let found else { throw Missing(what: "nginx") }
        return found
    }

    /// With one process instead of a master and workers, so that it stays this user also if that is root. The socket is bound before the
    /// file with the process's number is written, so a test that sees the file can connect.
    private static func configuration(port: Int, in directory: String) -> String {
        """
        load_module \(module);
        daemon off;
        error_log stderr warn;
        master_process off;
        pid \(directory)/nginx.pid;
        events { worker_connections 1024; }
        http {
            access_log off;
            client_body_temp_path \(directory)/temporary/body;
            proxy_temp_path \(directory)/temporary/proxy;
            fastcgi_temp_path \(directory)/temporary/fastcgi;
            uwsgi_temp_path \(directory)/temporary/uwsgi;
            scgi_temp_path \(directory)/temporary/scgi;
            client_max_body_size 0;
            server {
                listen 127.0.0.1:\(port);
                root \(directory)/www;
                location /files/ {
                    dav_methods PUT DELETE MKCOL COPY MOVE;
                    dav_ext_methods PROPFIND OPTIONS;
                    create_full_put_path on;
                    autoindex off;
                    limit_except GET HEAD {
                        auth_basic "files";
                        auth_basic_user_file \(directory)/users;
                    }
                }
            }
        }

        """
    }
}

/// Runs `body` with the store of a pool, as a mirror opens it.
func withStore(_ settings: WebDAVPoolSettings, _ body: (any ObjectStore) async throws -> Void) async throws {
    let service = WebDAVService(pools: [settings], origins: [], environment: .testing())
    let id = try requireValue(PoolID(service: "webdav", region: "test"), "the pool's name")
    do {
        try await body(service.open(settings, as: PoolDescription(id: id, timeToLive: .seconds(3_600), minFreeBytes: 0)))
        await service.close()
    } catch {
        await service.close()
        throw error
    }
}
