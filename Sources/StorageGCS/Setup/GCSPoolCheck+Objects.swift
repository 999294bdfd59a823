import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud

/// Does with objects of its own what a running mirror does with artifacts.
extension GCSPoolCheck {
    /// Writes the objects.
    private struct Probe {
        let store: GCSStore
        let objects: ProbeObjects

        var keys: [ObjectKey] { [objects.whole, objects.inParts, objects.copy] }

        /// One upload that is given up, and one that is completed and published.
        func uploadInParts() async throws {
            let name = "\(store.configuration.uploadPrefix)\(objects.inParts.hash)"
            let abandoned = try await store.multipart.create(name)
            await store.multipart.abort(name, upload: abandoned)
            let id = try await store.multipart.create(name)
            do {
                let part = try await store.multipart.write(1, of: name, upload: id, .bytes([objects.body]), length: objects.size)
                let object = try await store.multipart.complete(name, upload: id, parts: [part])
                _ = try await store.publish(object, at: objects.inParts, objects.metadata, .absent)
            } catch {
                await store.multipart.abort(name, upload: id)
                await store.discard([name])
                throw error
            }
            try await store.delete(name: name)
            try await requireBody(objects.inParts)
        }

        func copyInService(_ info: ObjectInfo) async throws {
            let source = CopySource(
                service: GCSService.name, endpoint: store.client.endpoint.url, region: "", bucket: store.client.bucket,
                key: store.name(of: objects.whole), size: objects.size, etag: info.etag)
            _ = try await store.copy(objects.copy, from: source, metadata: objects.metadata, condition: .absent)
            try await requireBody(objects.copy)
        }

        func requireBody(_ key: ObjectKey) async throws { try await objects.requireBody(key, in: store) }
    }

    private var trial: PoolTrial { PoolTrial { "grant \($0)" } }

    func checkObjects(_ say: Say) async throws {
        let store = probeStore
        let probe = Probe(store: store, objects: try ProbeObjects(now: store.client.clock.now, errors: .gcs))
        let name = probe.store.name(of: probe.objects.whole)
        var written: ObjectInfo?
        try await trial.attempt(say, "write an object", "storage.objects.create") {
            written = try await probe.objects.upload(to: probe.store)
        }
        if let written {
            try await trial.attempt(say, "read an object", "storage.objects.get") { try await probe.requireBody(probe.objects.whole) }
            try await trial.attempt(say, "look at an object (HEAD)", "storage.objects.get") {
                try await probe.objects.requireSize(in: probe.store)
            }
            try await trial.attempt(say, "list objects", "storage.objects.list") {
                try await probe.objects.requireListed(in: probe.store)
            }
            try await trial.attemptReplacing(say, field: "x-goog-if-generation-match") {
                _ = try await probe.objects.upload(to: probe.store, isSecond: true)
            }
            try await checkReading(say, probe.store, name, probe.objects.body)
            if configuration.hasTokens {
                try await trial.attemptByService(
                    say, "copy objects", success: "may copy objects within the service",
                    otherwise: "artifacts from its own buckets pass through the mirror"
                ) { try await probe.copyInService(written) }
            }
        }
        try await trial.attempt(say, "upload in parts", "storage.multipartUploads.create and storage.multipartUploads.abort") {
            try await probe.uploadInParts()
        }
        // Also when nothing seems to be written: an answer may have been lost.
        try await trial.attempt(say, "delete an object", "storage.objects.delete") {
            for key in probe.keys { try await probe.store.delete(key) }
        }
    }
}
