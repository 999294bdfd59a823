import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud

/// Does with objects of its own what a running mirror does with artifacts.
extension AzurePoolCheck {
    /// Writes the objects.
    private struct Probe {
        let store: AzureStore
        let objects: ProbeObjects

        var keys: [ObjectKey] { [objects.whole, objects.inParts, objects.copy, objects.fetched] }

        func uploadInBlocks() async throws {
            let (name, ids) = (store.name(of: objects.inParts), BlockIDs())
            let block = try await store.blocks.write(ids.id(part: 0, attempt: 1), of: name, .bytes([objects.body]))
            _ = try await store.blocks.commit(name, [block], metadata: objects.metadata, condition: .absent)
            try await requireBody(objects.inParts)
        }

        func copyInService(_ info: ObjectInfo) async throws {
            let endpoint = store.client.endpoint
            let source = CopySource(
                service: AzureService.name, endpoint: endpoint.url, region: endpoint.account, bucket: store.client.container,
                key: store.name(of: objects.whole), size: objects.size, etag: info.etag)
            _ = try await store.copy(objects.copy, from: source, metadata: objects.metadata, condition: .absent)
            try await requireBody(objects.copy)
        }

        func fetchByService(_ info: ObjectInfo) async throws {
            let name = store.name(of: objects.whole)
            var url = store.client.url(ofBlob: name)
            do {
                url = try await store.client.signedURL(ofBlob: name, life: .seconds(60)).url
            } catch let error as StorageError where error.code == .permissionDenied {
                // What cannot be signed may be public.
            }
            let source = URLSource(url: try ArtifactURL(url), isPublic: true, size: objects.size, etag: info.etag)
            _ = try await store.pull(objects.fetched, from: source, metadata: objects.metadata, condition: .absent) {}
            try await requireBody(objects.fetched)
        }

        func requireBody(_ key: ObjectKey) async throws { try await objects.requireBody(key, in: store) }
    }

    private static let reader = "Storage Blob Data Reader"
    private static let contributor = "Storage Blob Data Contributor"

    private var trial: PoolTrial { PoolTrial { "assign \($0) on the container" } }

    func checkObjects(_ say: Say) async throws {
        let probe = Probe(store: probeStore, objects: try ProbeObjects(now: setup.clock.now, errors: .azure))
        let name = probe.store.name(of: probe.objects.whole)
        var written: ObjectInfo?
        try await trial.attempt(say, "write an object", Self.contributor) { written = try await probe.objects.upload(to: probe.store) }
        if let written {
            try await trial.attempt(say, "read an object", Self.reader) { try await probe.requireBody(probe.objects.whole) }
            try await trial.attempt(say, "look at an object (HEAD)", Self.reader) {
                try await probe.objects.requireSize(in: probe.store)
            }
            try await trial.attempt(say, "list objects", Self.reader) {
                try await probe.objects.requireListed(in: probe.store)
            }
            try await trial.attemptReplacing(say, field: "If-None-Match") {
                _ = try await probe.objects.upload(to: probe.store, isSecond: true)
            }
            try await checkReading(say, name, probe.objects.body)
            try await trial.attemptByService(say, "copy objects", otherwise: "artifacts from its own containers pass through the mirror") {
                try await probe.copyInService(written)
            }
            if configuration.pullsURLs {
                try await trial.attemptByService(say, "fetch from URLs", otherwise: "all artifacts pass through the mirror") {
                    try await probe.fetchByService(written)
                }
            }
        }
        try await trial.attempt(say, "upload in blocks", Self.contributor) { try await probe.uploadInBlocks() }
        // Also when nothing seems to be written: an answer may have been lost.
        try await trial.attempt(say, "delete an object", Self.contributor) {
            for (key, error) in try await probe.store.delete(probe.keys) where error.code != .notFound {
                throw CloudErrors.azure.error(error.code, "\(key): \(error.message)", "delete")
            }
        }
    }
}
