import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Tries with its own objects what a running mirror does with artifacts.
extension S3PoolCheck {
    /// Writes the objects.
    private struct Probe {
        let store: S3Store
        let objects: ProbeObjects

        var keys: [ObjectKey] { [objects.whole, objects.inParts, objects.copy] }

        /// Aborts one upload, and completes another.
        func uploadInParts() async throws {
            let name = store.name(of: objects.inParts)
            let hasChecksums = store.client.sendsChecksums
            let abandoned = try await store.multipart.create(name, metadata: objects.metadata, hasChecksums: hasChecksums)
            _ = try await store.client.send(S3Call("abort", .DELETE, key: name, query: [("uploadId", abandoned.id)]))
            let begun = try await store.multipart.create(name, metadata: objects.metadata, hasChecksums: hasChecksums)
            do {
                let bytes = CallBody.bytes([objects.body])
                let part = try await store.multipart.write(
                    1, of: name, upload: begun.id, bytes, crc32c: begun.hasChecksums ? bytes.crc32c : nil)
                _ = try await store.multipart.complete(name, upload: begun.id, parts: [part], condition: .absent, mayBeDone: false)
            } catch {
                await store.multipart.abort(name, upload: begun.id)
                throw error
            }
            try await requireBody(objects.inParts)
        }

        func copyInService(_ info: ObjectInfo) async throws {
            let endpoint = store.client.endpoint
            let source = CopySource(
                service: S3Service.name, endpoint: endpoint.url, region: endpoint.region, bucket: store.client.bucket,
                key: store.name(of: objects.whole), size: objects.size, etag: info.etag.isEmpty ? nil : info.etag)
            _ = try await store.copy(objects.copy, from: source, metadata: objects.metadata, condition: .absent)
            try await requireBody(objects.copy)
        }

        func requireBody(_ key: ObjectKey) async throws { try await objects.requireBody(key, in: store) }
    }

    private var trial: PoolTrial { PoolTrial { "permit \($0)" } }

    func checkObjects(_ say: Say) async throws {
        let probe = Probe(store: probeStore, objects: try ProbeObjects(now: clock.now, errors: .s3))
        let key = probe.store.name(of: probe.objects.whole)
        var written: ObjectInfo?
        try await trial.attempt(say, "write an object", "s3:PutObject") { written = try await probe.objects.upload(to: probe.store) }
        if let written {
            try await trial.attempt(say, "read an object", "s3:GetObject") { try await probe.requireBody(probe.objects.whole) }
            try await trial.attempt(say, "look at an object (HEAD)", "s3:GetObject") {
                try await probe.objects.requireSize(in: probe.store)
            }
            try await trial.attempt(say, "list objects", "s3:ListBucket") { try await list(key) }
            // If the condition was refused, the last line of this function says so.
            if probe.store.capabilities.features.contains(.conditionalWrites) {
                try await trial.attemptReplacing(say, field: "If-None-Match") {
                    _ = try await probe.objects.upload(to: probe.store, isSecond: true)
                }
            }
            try await checkReading(say, key, probe.objects.body)
            try await trial.attemptByService(
                say, "copy objects", success: "may copy objects within the service",
                otherwise: "artifacts from its own buckets pass through the mirror"
            ) { try await probe.copyInService(written) }
        }
        try await trial.attempt(say, "upload in parts", "s3:PutObject and s3:AbortMultipartUpload") { try await probe.uploadInParts() }
        // Even if nothing seems to have been written, because an answer may have been lost.
        try await trial.attempt(say, "delete an object", "s3:DeleteObject") {
            for key in probe.keys { try await probe.store.delete(key) }
        }
        for (quirk, reason) in configuration.quirks.refusals(at: clock.instant) {
            say(.warning, "the server does not accept \(quirk.words) (\(reason)); it is left out: \(quirk.substitute)")
        }
    }

    private func list(_ key: String) async throws {
        let document = try await client.document(S3Call("list", .GET, query: [("list-type", "2"), ("prefix", key), ("max-keys", "2")]))
        guard document.all("Contents").contains(where: { $0["Key"]?.text == key }) else {
            throw CloudErrors.s3.odd("the object that was just written is not in the listing", "list")
        }
    }
}
