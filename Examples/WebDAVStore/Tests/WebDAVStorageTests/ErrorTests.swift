import MirrorCore
import MirrorSettings
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOHTTP1
import Testing
import WebDAVStorage

@Suite("Errors in the words of object stores", .timeLimit(.minutes(5)))
struct ErrorTests {
    /// Runs `body` with a store on a server that answers everything in one way.
    private func withStore(
        answering answer: ScriptedServer.Answer, _ body: (any ObjectStore, ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.run({ _ in answer }) { server in
            try await WebDAVStorageTests.withStore(settings(server)) { store in try await body(store, server) }
        }
    }

    private func settings(_ server: ScriptedServer) throws -> WebDAVPoolSettings {
        WebDAVPoolSettings(url: try ArtifactURL(server.url), login: .init(username: "mirror", password: Secret("s3cr3t")))
    }

    @Test(
        "A status means one thing, for every call",
        arguments: [
            (301, .invalidRequest), (400, .invalidRequest), (401, .permissionDenied), (403, .permissionDenied), (408, .timedOut),
            (413, .invalidRequest), (418, .invalidRequest), (423, .throttled), (429, .throttled), (500, .unavailable), (501, .unsupported),
            (502, .unavailable), (503, .throttled), (504, .timedOut), (507, .full), (599, .unavailable),
        ] as [(Int, StorageError.Code)])
    func statuses(status: Int, code: StorageError.Code) async throws {
        try await withStore(answering: .init(status: status, body: ByteBuffer(string: "s3cr3t: no"))) { store, _ in
            let object = try SampleObject(size: 10)
            let calls: [(String, () async throws -> Void)] = [
                ("head", { _ = try await store.head(object.key) }),
                ("get", { _ = try await store.get(object.key, range: nil) }),
                ("delete", { try await store.delete(object.key) }),
                ("list", { _ = try await store.list(after: nil, limit: 1) }),
                ("put", { try await object.put(into: store) }),
                ("checkHealth", { try await store.checkHealth() }),
            ]
            for (name, call) in calls {
                let error = try await requireStorageError(code, "\(name) answered with \(status)", call)
                #expect(!"\(error)".contains("s3cr3t"))
            }
            let failures = try await store.delete([object.key])
            #expect(failures.mapValues(\.code) == [object.key: code])
        }
    }

    @Test("What is not there is not found, and has been deleted already")
    func notFound() async throws {
        for status in [404, 410] {
            try await withStore(answering: .init(status: status)) { store, _ in
                let key = try SampleObject(size: 10).key
                try await requireStorageError(.notFound, "head") { try await store.head(key) }
                try await requireStorageError(.notFound, "get") { try await store.get(key, range: nil) }
                try await store.delete(key)
                #expect(try await store.list(after: nil, limit: 10) == [])
                try await requireStorageError(.notFound, "checkHealth") { try await store.checkHealth() }
            }
        }
    }

    @Test(
        "A server that asks to be left alone says for how long",
        arguments: [("7", .seconds(7)), ("999999", .seconds(3_600)), ("soon", nil), (nil, nil)] as [(String?, Duration?)])
    func retryAfter(field: String?, wait: Duration?) async throws {
        var headers = HTTPHeaders()
        if let field { headers.add(name: "Retry-After", value: field) }
        for status in [423, 429, 503] {
            try await withStore(answering: .init(status: status, headers: headers)) { store, _ in
                let key = try SampleObject(size: 10).key
                let error = try await requireStorageError(.throttled, "head") { try await store.head(key) }
                #expect(error.retryAfter == wait)
            }
        }
    }

    @Test("A server that is not there is unavailable")
    func nobody() async throws {
        try await WebDAVStorageTests.withStore(WebDAVPoolSettings(url: try ArtifactURL("http://127.0.0.1:1/"))) { store in
            let key = try SampleObject(size: 10).key
            try await requireStorageError(.unavailable, "head") { try await store.head(key) }
            try await requireStorageError(.unavailable, "delete") { try await store.delete(key) }
            try await requireStorageError(.unavailable, "checkHealth") { try await store.checkHealth() }
        }
    }

    @Test("A list that is no list is unavailable, and holds nothing")
    func lists() async throws {
        try await withStore(answering: .init(status: 207, body: ByteBuffer(string: "<html/>"))) { store, _ in
            try await requireStorageError(.unavailable, "list") { try await store.list(after: nil, limit: 1) }
        }
    }

    @Test("Every request has the login, and none without one")
    func login() async throws {
        try await withStore(answering: .init(status: 404)) { store, server in
            try await store.delete(SampleObject(size: 10).key)
            #expect(server.requests.count == 2)
            #expect(server.requests.allSatisfy { $0.headers["Authorization"] == ["Basic bWlycm9yOnMzY3IzdA=="] })
        }
        try await ScriptedServer.run({ _ in .init(status: 404) }) { server in
            try await WebDAVStorageTests.withStore(WebDAVPoolSettings(url: try ArtifactURL("\(server.url)/a%20b"))) { store in
                try await store.delete(SampleObject(size: 10).key)
                #expect(server.requests.allSatisfy { $0.headers["Authorization"].isEmpty && $0.uri.hasPrefix("/a%20b/") })
            }
        }
    }

    @Test("Another password than the server's is permissionDenied, and so is writing without one; reading needs none")
    func password() async throws {
        try await Nginx.run { nginx in
            let object = try SampleObject(size: 10)
            try await nginx.withStore { store in try await object.put(into: store) }
            let url = try ArtifactURL(nginx.url)
            let others: [WebDAVPoolSettings.Login?] = [nil, .init(username: Nginx.username, password: Secret("another-one"))]
            for login in others {
                try await WebDAVStorageTests.withStore(WebDAVPoolSettings(url: url, login: login)) { store in
                    let error = try await requireStorageError(.permissionDenied, "put") { try await object.put(into: store) }
                    #expect(!"\(error)".contains("another-one"))
                    try await requireStorageError(.permissionDenied, "checkHealth") { try await store.checkHealth() }
                    let held = try await store.get(object.key, range: nil).body.collect(upTo: 100)
                    #expect(held == object.bytes)
                }
            }
        }
    }

    @Test("A collection that is not there is named")
    func noCollection() async throws {
        try await Nginx.run { nginx in
            let url = "\(nginx.url)/not/there"
            let login = WebDAVPoolSettings.Login(username: Nginx.username, password: Secret(Nginx.password))
            try await WebDAVStorageTests.withStore(WebDAVPoolSettings(url: try ArtifactURL(url), login: login)) { store in
                let object = try SampleObject(size: 10)
                let error = try await requireStorageError(.unavailable, "put") { try await object.put(into: store) }
                #expect(error.message.contains(url))
                let health = try await requireStorageError(.notFound, "checkHealth") { try await store.checkHealth() }
                #expect(health.message.contains(url))
            }
        }
    }
}
