import Logging
import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("What has to be permitted", .timeLimit(.minutes(5)))
struct AzurePermissionsTests {
    /// The names of the calls that were made.
    private func calls(_ log: LogRecorder) -> Set<String> {
        Set(
            log.all.compactMap { line in
                line.firstRange(of: "\"call\": ").map { String(line[$0.upperBound...].drop { $0 == "\"" }.prefix(while: \.isLetter)) }
            })
    }

    @Test("Every call that a store and an origin make stands in the list, and nothing else does")
    func complete() async throws {
        let log = LogRecorder(.trace)
        var setup = StoreFixture.Setup()
        setup.logger = log.logger
        setup.access = .presigned
        setup.credentials = .tokens("t")
        let bytes = [UInt8](repeating: 1, count: 100)
        setup.blobs = FakeBlobs(sources: ["http://origin.example.org/a.bin": bytes])
        setup.blobs.put("an artifact", bytes)
        try await StoreFixture.run(setup) { fixture async throws in
            let store = fixture.store
            let object = try SampleObject(size: (1 << 20) + 1)
            try await store.checkHealth()
            _ = try await store.uploading(object, partSize: 1 << 20).complete(size: object.size, sha256: object.sha256)
            try await SampleObject(size: 10).put(into: store)
            _ = try await store.head(object.key)
            _ = try await store.get(object.key, range: nil)
            _ = try await store.list(after: nil, limit: 10)
            let url = try ArtifactURL("http://origin.example.org/a.bin")
            let source = URLSource(url: url, isPublic: true, size: 100, etag: "\"e\"")
            _ = try await store.pull(try SampleObject(size: 1).key, from: source, metadata: object.metadata, condition: .none) {}
            await #expect(throws: StorageError.self) {
                try await store.copy(object.key, from: fixture.source(size: 10), metadata: object.metadata, condition: .none)
            }
            await #expect(throws: StorageError.self) { try await store.location(of: object.key, life: .seconds(60)) }
            try await store.delete(object.key)
            let origin = AzureOrigin(
                container: StoreFixture.container, endpoint: store.client.endpoint, credentials: fixture.credentials,
                http: store.client.http, clock: HastyClock(), logger: log.logger)
            let artifact = try #require(origin.artifact(store.client.url(ofKey: "an artifact")))
            _ = try await origin.head(artifact)
            _ = try await origin.open(artifact, range: nil, ifMatch: nil)
        }
        let documented = MirrorRole.allCases.reduce(into: Set<String>()) { $0.formUnion(AzurePermissions.calls(of: $1)) }
        #expect(calls(log) == documented)
    }

    @Test("A role's definition is what the command line takes, with nothing that is not needed")
    func definitions() throws {
        for role in MirrorRole.allCases {
            let text = AzurePermissions.definition(of: role)
            guard case .object(let definition)? = JSONValue(parsing: text.utf8),
                case .array(let actions)? = definition["DataActions"]
            else {
                Issue.record("\(text)")
                continue
            }
            #expect(definition["Name"] == .string("cloud-mirror \(role.rawValue)"))
            let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
            let kinds: [String] =
                switch role {
                case .frontEnd: ["delete", "read"]
                case .copier: ["delete", "read", "write"]
                case .origin: ["read"]
                }
            #expect(actions == kinds.map { JSONValue.string("\(blobs)/\($0)") })
            #expect(AzurePermissions.markdown().contains(text))
        }
    }
}
