import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud

/// Does with objects of its own what a running mirror does with artifacts.
extension GCSPoolCheck {
    /// The objects that are written, all in one folder.
    private struct Probe {
        let store: GCSStore
        let whole: ObjectKey
        let inParts: ObjectKey
        let copy: ObjectKey
        let body: ByteBuffer
        let metadata: ObjectMetadata

        init(_ store: GCSStore, now: Timestamp) throws {
            self.store = store
            let folder = Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) })
            func key(_ name: String) throws -> ObjectKey { ObjectKey(try ArtifactURL("https://probe.invalid/\(folder)/\(name)")) }
            whole = try key("whole")
            inParts = try key("in-parts")
            copy = try key("copy")
            body = ByteBuffer(string: "Written by `cloud-mirror pools check`, which removes it. It may be deleted.\n")
            metadata = ObjectMetadata(contentType: "text/plain", upstreamURL: "", stored: now)
        }

        var size: Int64 { Int64(body.readableBytes) }
        var keys: [ObjectKey] { [whole, inParts, copy] }

        /// - Parameter url: Where the object is said to come from: what a different upload has stored has different metadata.
        func upload(from url: String = "") async throws -> ObjectInfo {
            var metadata = metadata
            metadata.upstreamURL = url
            return try await store.put([body], at: whole, metadata, .absent)
        }

        /// One upload that is given up, and one that is completed and published.
        func uploadInParts() async throws {
            let name = "\(store.configuration.uploadPrefix)\(inParts.hash)"
            let abandoned = try await store.multipart.create(name)
            await store.multipart.abort(name, upload: abandoned)
            let id = try await store.multipart.create(name)
            do {
                let part = try await store.multipart.write(1, of: name, upload: id, .bytes([body]), length: size)
                let object = try await store.multipart.complete(name, upload: id, parts: [part])
                _ = try await store.publish(object, at: inParts, metadata, .absent)
            } catch {
                await store.multipart.abort(name, upload: id)
                await store.discard([name])
                throw error
            }
            try await store.delete(name: name)
            try await requireBody(inParts)
        }

        func copyInService(_ info: ObjectInfo) async throws {
            let source = CopySource(
                service: GCSService.name, endpoint: store.client.endpoint.url, region: "", bucket: store.client.bucket,
                key: store.name(of: whole), size: size, etag: info.etag)
            _ = try await store.copy(copy, from: source, metadata: metadata, condition: .absent)
            try await requireBody(copy)
        }

        func requireBody(_ key: ObjectKey) async throws {
            guard try await store.get(key, range: nil).body.collect(upTo: 4_096) == body else {
                throw CloudErrors.gcs.odd("the data that was read differs from the data that was written", "get")
            }
        }
    }

    func checkObjects(_ say: Say) async throws {
        let probe = try Probe(probeStore, now: probeStore.client.clock.now)
        let name = probe.store.name(of: probe.whole)
        var written: ObjectInfo?
        try await attempt(say, "write an object", "storage.objects.create") { written = try await probe.upload() }
        if let written {
            try await attempt(say, "read an object", "storage.objects.get") { try await probe.requireBody(probe.whole) }
            try await attempt(say, "look at an object (HEAD)", "storage.objects.get") {
                guard try await probe.store.head(probe.whole).size == probe.size else {
                    throw CloudErrors.gcs.odd("the object that was just written has a different size", "head")
                }
            }
            try await attempt(say, "list objects", "storage.objects.list") {
                guard try await probe.store.list(after: nil, limit: 1_000).contains(where: { $0.key == probe.whole }) else {
                    throw CloudErrors.gcs.odd("the object that was just written is not in the listing", "list")
                }
            }
            try await checkCondition(say, probe)
            try await checkReading(say, probe.store, name, probe.body)
            if configuration.hasTokens { try await checkCopy(say, probe, written) }
        }
        try await attempt(say, "upload in parts", "storage.multipartUploads.create and storage.multipartUploads.abort") {
            try await probe.uploadInParts()
        }
        // Also when nothing seems to be written: an answer may have been lost.
        try await attempt(say, "delete an object", "storage.objects.delete") {
            for key in probe.keys { try await probe.store.delete(key) }
        }
    }

    private func attempt(_ say: Say, _ words: String, _ permission: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
            say(.ok, "may \(words)")
        } catch let error as StorageError {
            let advice = error.code == .permissionDenied ? "grant \(permission): " : ""
            say(.error, "cannot \(words): \(advice)\(error.message)")
        }
    }

    private func checkCondition(_ say: Say, _ probe: Probe) async throws {
        do {
            _ = try await probe.upload(from: "https://probe.invalid/second")
            say(
                .warning,
                "the server ignores x-goog-if-generation-match: if two copies of one artifact are made at the same time, the later one "
                    + "stays")
        } catch let error as StorageError where error.code == .preconditionFailed {
            say(.ok, "a write that requires a new object does not replace an existing one")
        } catch let error as StorageError {
            say(.error, "cannot try to write over an existing object: \(error.message)")
        }
    }

    private func checkCopy(_ say: Say, _ probe: Probe, _ info: ObjectInfo) async throws {
        do {
            try await probe.copyInService(info)
            say(.ok, "may copy objects within the service")
        } catch let error as StorageError {
            say(
                .warning,
                "the service does not copy objects by itself, so artifacts from its own buckets pass through the mirror: \(error.message)"
            )
        }
    }
}
