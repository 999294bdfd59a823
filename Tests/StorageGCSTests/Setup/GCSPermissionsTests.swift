import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("What a mirror needs to be permitted", .timeLimit(.minutes(5)))
struct GCSPermissionsTests {
    /// The call that fails, by the error of a store whose service refuses one step.
    private static func call(
        refusing refused: UploadStep, _ body: (any ObjectStore, SampleObject) async throws -> Void
    ) async throws -> String {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            try fixture.serve(object) { step, _, _ in step == refused ? StoreFixture.error(403, "AccessDenied") : nil }
            do {
                try await body(fixture.store, object)
                Issue.record("\(refused.rawValue) is not refused")
                return ""
            } catch let error as StorageError {
                #expect(error.code == .permissionDenied)
                return String(error.operation.dropFirst("gcs.".count))
            }
        }
    }

    private static func upload(_ object: SampleObject, _ store: any ObjectStore) async throws {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        for part in object.parts(of: 5 << 20) { _ = try await upload.write(part, from: object.stream(part)) }
        _ = try await upload.complete(size: object.size, sha256: object.sha256)
    }

    private static func stream(_ object: SampleObject, _ store: any ObjectStore) async throws {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        let chunks = Array(repeating: object.bytes, count: 3)
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(chunks: chunks, failure: nil))
    }

    @Test("Each request that a store makes is in the table of permissions, and the table has no others")
    func calls() async throws {
        var calls: Set<String> = []
        for step in [UploadStep.create, .part, .complete, .publish] {
            calls.insert(try await Self.call(refusing: step) { store, object in try await Self.upload(object, store) })
        }
        for step in [UploadStep.begin, .chunk] {
            calls.insert(try await Self.call(refusing: step) { store, object in try await Self.stream(object, store) })
        }
        calls.insert(try await Self.call(refusing: .put) { store, _ in _ = try await SampleObject(size: 1).put(into: store) })
        calls.insert(try await Self.call(refusing: .head) { store, object in _ = try await store.head(object.key) })
        calls.insert(try await Self.call(refusing: .get) { store, object in _ = try await store.get(object.key, range: nil) })
        calls.insert(try await Self.call(refusing: .get) { store, _ in _ = try await store.list(after: nil, limit: 1) })
        calls.insert(try await Self.call(refusing: .get) { store, _ in try await store.checkHealth() })
        calls.insert(try await Self.call(refusing: .delete) { store, object in try await store.delete(object.key) })
        calls.insert(
            try await Self.call(refusing: .head) { store, object in
                guard let store = store as? GCSStore else { return }
                let source = CopySource(
                    service: "gcs", endpoint: store.client.endpoint.url, region: "", bucket: "other", key: "k", size: object.size)
                _ = try await store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
            })
        // Whose failures nobody is told of.
        calls.formUnion(["abort", "endSession"])
        #expect(calls == GCSPermissions.calls(of: .frontEnd).union(GCSPermissions.calls(of: .copier)))
    }

    @Test("A front end may neither write nor read what it does not need")
    func least() {
        #expect(GCSPermissions.permissions(of: .frontEnd) == ["storage.objects.delete", "storage.objects.get", "storage.objects.list"])
        #expect(GCSPermissions.permissions(of: .origin) == ["storage.objects.get", "storage.objects.list"])
        for permission in GCSPermissions.permissions(of: .copier) { #expect(GCSPermissions.markdown().contains("- \(permission)\n")) }
    }
}
