import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import StorageGCS
import TestServers
import Testing

@Suite(
    "What only Cloud Storage does can go wrong, too",
    .enabled(if: FaultCloud.areExpected, "the servers that play clouds were not started"), .timeLimit(.minutes(10)))
struct GCSFaultTests {
    /// What goes wrong with a chunk of a resumable upload.
    enum Trouble: String, CaseIterable, Sendable {
        case unsaid = "308 does not say how far it came"
        case broken = "the connection ends in the middle of a chunk"
        case lost = "the answer does not come"
        case busy = "503"

        func make(_ fault: inout CloudFault) {
            switch self {
            case .unsaid: fault.noRange = true
            // Of which the service keeps 768 KiB.
            case .broken: fault.breakRequestAfter = 1_000_000
            case .lost: fault.dropAnswer = true
            case .busy: fault.status = 503
            }
        }
    }

    @Test("A stream goes on where the service has it, whichever of its three chunks it is", arguments: Trouble.allCases, 0...2)
    func resumable(_ trouble: Trouble, _ chunk: Int) async throws {
        try await FaultScene.run(.gcs) { scene in
            let object = try SampleObject(size: 17 << 20)
            let hits = try await scene.with(
                path: "upload_id=",
                { fault in
                    trouble.make(&fault)
                    (fault.method, fault.skip, fault.count) = ("PUT", chunk, 1)
                }
            ) { try await scene.stream(object) }
            #expect(hits == 1)
            #expect(try await scene.holds(object))
            #expect(try await scene.opened.names() == ["\(object.key)"])
        }
    }

    @Test("A copy takes three tokens, one of which has to be used twice")
    func rewrite() async throws {
        try await FaultScene.run(.gcs) { scene in
            let store = try #require(scene.bare as? GCSStore)
            let (object, copy) = (try SampleObject(size: 3_500_000), try SampleObject(size: 3_500_000))
            try await scene.put(object)
            let source = CopySource(
                service: "gcs", endpoint: store.client.endpoint.url, region: "", bucket: scene.place.bucket, key: "\(object.key)",
                size: object.size, etag: try await store.head(object.key).etag)
            let calls = try await scene.with(path: "/rewriteTo/", { $0.rewriteBytes = 1_000_000 }) {
                let refused = try await scene.with(
                    path: "rewriteToken=",
                    { fault in
                        (fault.status, fault.skip, fault.count) = (503, 1, 1)
                    }
                ) { _ = try await scene.store.copy(copy.key, from: source, metadata: copy.metadata, condition: .absent) }
                #expect(refused == 1)
            }
            #expect(calls == 5)
            #expect(try await scene.holds(copy))
            let tokens = try await scene.requests().filter { $0.target.contains("rewriteToken=") }
                .compactMap { $0.target.split(separator: "rewriteToken=").last }
            #expect(Set(tokens).count == 3)
        }
    }

    @Test("A success may hold an error: what puts the parts together, and what publishes them", arguments: ["uploadId=", "/"])
    func errorInSuccess(_ path: String) async throws {
        try await FaultScene.run(.gcs) { scene in
            let object = try SampleObject(size: 1_000 + Int(FaultScene.partSize))
            let upload = try await scene.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            for part in object.parts(of: FaultScene.partSize) { _ = try await upload.write(part, from: object.stream(part)) }
            let hits = try await scene.with(
                path: path,
                { fault in
                    (fault.status, fault.code, fault.count) = (200, "InternalError", 1)
                    fault.method = path == "/" ? "PUT" : "POST"
                }
            ) { _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent) }
            #expect(hits == 1)
            #expect(try await scene.holds(object))
        }
    }
}
