import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import Synchronization
import TestServers
import Testing

@testable import StorageGCS

@Suite("Deletions", .timeLimit(.minutes(5)))
struct StoreDeleteTests {
    private static func run(
        _ script: @escaping ScriptedServer.Script, _ body: @escaping @Sendable (GCSStore, ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.run(script) { server in
            let connection = StoreFixture.connection()
            let configuration = GCSConfiguration(
                bucket: "b", endpoint: GCSEndpoint(try ArtifactURL(server.url)), credentials: GivenCredentials())
            do {
                try await body(GCSStore(configuration: configuration, connection: connection), server)
            } catch {
                await connection.http.shutdown()
                throw error
            }
            await connection.http.shutdown()
        }
    }

    private static func keys(_ count: Int) throws -> [ObjectKey] { try (0..<count).map { _ in try SampleObject("a&b.bin", size: 0).key } }

    @Test("Many keys go in requests of a thousand, and what is refused is told by key")
    func batches() async throws {
        let keys = try Self.keys(1_001)
        let (denied, gone) = (keys[3], keys[4])
        let failures: [(ObjectKey, String)] = [(denied, "AccessDenied"), (gone, "NoSuchKey")]
        let answer = failures.map { key, code in
            "<Error><Key>\(Markup.escape(key.description))</Key><Code>\(code)</Code><Message>m</Message></Error>"
        }
        try await Self.run({ request in
            .init(body: "<DeleteResult>\(request.body.contains(Markup.escape(denied.description)) ? answer.joined() : "")</DeleteResult>")
        }) { store, server async throws in
            let found = try await store.delete(keys)
            #expect(Set(found.keys) == [denied])
            #expect(found[denied]?.code == .permissionDenied)
            #expect(server.requests.map { "\($0.method) \($0.uri)" } == ["POST /b?delete", "POST /b?delete"])
            let last = Markup.escape(keys[1_000].description)
            #expect(server.requests[1].body == "<Delete><Quiet>true</Quiet><Object><Key>\(last)</Key></Object></Delete>")
            #expect(server.requests[0].body.contains("a&amp;b.bin"))
        }
    }

    @Test("A failure that names none of the objects may be that of any, except those that the answer mentions")
    func unassigned() async throws {
        let keys = try Self.keys(3)
        let gone = "<Error><Key>\(Markup.escape(keys[0].description))</Key><Code>NoSuchKey</Code></Error>"
        for (entry, code) in [
            ("<Error><Code>InternalError</Code></Error>", .unavailable),
            ("<Error><Key>another</Key><Code>SlowDown</Code></Error>", .throttled),
            ("<Error><Key></Key><Code>AccessDenied</Code></Error>", .permissionDenied), ("<Error/>", .unavailable),
        ] as [(String, StorageError.Code)] {
            try await Self.run({ _ in .init(body: "<DeleteResult>\(gone)\(entry)</DeleteResult>") }) { store, _ async throws in
                let found = try await store.delete(keys)
                #expect(found.mapValues(\.code) == [keys[1]: code, keys[2]: code], "\(entry)")
            }
        }
    }

    @Test("An answer that is not one to a deletion does not say that anything was deleted", arguments: ["<html/>", "<ListBucketResult/>"])
    func oddAnswer(_ body: String) async throws {
        let keys = try Self.keys(2)
        try await Self.run({ _ in .init(body: body) }) { store, _ async throws in
            try await requireStorageError(.timedOut, "delete") { try await store.delete(keys) }
        }
    }

    @Test(
        "A service that knows no batches is asked for each key",
        arguments: [(501, "NotImplemented"), (405, "MethodNotAllowed"), (501, "")])
    func oneByOne(_ status: Int, _ code: String) async throws {
        let keys = try Self.keys(3)
        try await Self.run({ request in
            if request.method == "POST" { return .init(status: status, body: "<Error><Code>\(code)</Code></Error>") }
            return .init(status: request.uri.contains(keys[1].hash) ? 404 : 204)
        }) { store, server async throws in
            #expect(try await store.delete(keys).isEmpty)
            #expect(server.requests.map(\.method) == ["POST", "DELETE", "DELETE", "DELETE"])
        }
    }

    @Test("What is gone is what was wanted; a bucket that is gone is not")
    func gone() async throws {
        let key = try Self.keys(1)[0]
        try await Self.run({ _ in .init(status: 404, body: "<Error><Code>NoSuchKey</Code></Error>") }) { store, _ in
            try await store.delete(key)
        }
        try await Self.run({ _ in .init(status: 404, body: "<Error><Code>NoSuchBucket</Code></Error>") }) { store, _ in
            try await requireStorageError(.notFound, "delete") { try await store.delete(key) }
        }
    }

    @Test("A deletion of one generation says which")
    func generation() async throws {
        let key = try Self.keys(1)[0]
        try await Self.run({ request in
            let isOther = request.header("x-goog-if-generation-match") == "7"
            return isOther ? .init(status: 412, body: "<Error><Code>PreconditionFailed</Code></Error>") : .init(status: 204)
        }) { store, _ in
            try await store.delete(name: store.name(of: key), generation: "6")
            try await requireStorageError(.preconditionFailed, "delete") {
                try await store.delete(name: store.name(of: key), generation: "7")
            }
        }
    }
}
