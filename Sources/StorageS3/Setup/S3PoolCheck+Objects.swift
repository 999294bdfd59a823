import Crypto
import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Does with objects of its own what a running mirror does with artifacts.
extension S3PoolCheck {
    /// The objects that are written, all in one folder.
    private struct Probe {
        let store: S3Store
        let whole: ObjectKey
        let inParts: ObjectKey
        let copy: ObjectKey
        let body: ByteBuffer
        let metadata: ObjectMetadata

        init(_ store: S3Store, now: Timestamp) throws {
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

        func upload() async throws -> ObjectInfo {
            let upload = try await store.beginUpload(whole, metadata: metadata, expectedSize: size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: size), from: ByteStream(body))
            guard let sha256 = Digest(.sha256, bytes: Array(SHA256.hash(data: Array(body.readableBytesView)))) else {
                throw CloudErrors.s3.invalid("no digest", "put")
            }
            return try await upload.complete(size: size, sha256: sha256, condition: .absent)
        }

        /// One upload that is given up, and one that is completed.
        func uploadInParts() async throws {
            let name = store.name(of: inParts)
            let hasChecksums = store.client.sendsChecksums
            let abandoned = try await store.multipart.create(name, metadata: metadata, hasChecksums: hasChecksums)
            _ = try await store.client.send(S3Call("abort", .DELETE, key: name, query: [("uploadId", abandoned.id)]))
            let begun = try await store.multipart.create(name, metadata: metadata, hasChecksums: hasChecksums)
            do {
                let bytes = S3Call.Body.bytes([body])
                let part = try await store.multipart.write(
                    1, of: name, upload: begun.id, bytes, crc32c: begun.hasChecksums ? bytes.crc32c : nil)
                _ = try await store.multipart.complete(name, upload: begun.id, parts: [part], condition: .absent, mayBeDone: false)
            } catch {
                await store.multipart.abort(name, upload: begun.id)
                throw error
            }
            try await requireBody(inParts)
        }

        func copyInService(_ info: ObjectInfo) async throws {
            let endpoint = store.client.endpoint
            let source = CopySource(
                service: S3Service.name, endpoint: endpoint.url, region: endpoint.region, bucket: store.client.bucket,
                key: store.name(of: whole), size: size, etag: info.etag.isEmpty ? nil : info.etag)
            _ = try await store.copy(copy, from: source, metadata: metadata, condition: .absent)
            try await requireBody(copy)
        }

        func requireBody(_ key: ObjectKey) async throws {
            guard try await store.get(key, range: nil).body.collect(upTo: 4_096) == body else {
                throw CloudErrors.s3.odd("the data that was read differs from the data that was written", "get")
            }
        }
    }

    func checkObjects(_ say: Say) async throws {
        let probe = try Probe(probeStore, now: clock.now)
        let key = probe.store.name(of: probe.whole)
        var written: ObjectInfo?
        try await attempt(say, "write an object", "s3:PutObject") { written = try await probe.upload() }
        if let written {
            try await attempt(say, "read an object", "s3:GetObject") { try await probe.requireBody(probe.whole) }
            try await attempt(say, "look at an object (HEAD)", "s3:GetObject") {
                guard try await probe.store.head(probe.whole).size == probe.size else {
                    throw CloudErrors.s3.odd("the object that was just written has a different size", "head")
                }
            }
            try await attempt(say, "list objects", "s3:ListBucket") { try await list(key) }
            try await checkCondition(say, probe)
            try await checkReading(say, key, probe.body)
            try await checkCopy(say, probe, written)
        }
        try await attempt(say, "upload in parts", "s3:PutObject and s3:AbortMultipartUpload") { try await probe.uploadInParts() }
        // Also when nothing seems to be written: an answer may have been lost.
        try await attempt(say, "delete an object", "s3:DeleteObject") {
            for key in probe.keys { try await probe.store.delete(key) }
        }
        for (quirk, reason) in configuration.quirks.refusals(at: clock.instant) {
            say(.warning, "the server does not accept \(quirk.words) (\(reason)); it is left out: \(quirk.substitute)")
        }
    }

    private func attempt(_ say: Say, _ words: String, _ permission: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
            say(.ok, "may \(words)")
        } catch let error as StorageError {
            let advice = error.code == .permissionDenied ? "permit \(permission): " : ""
            say(.error, "cannot \(words): \(advice)\(error.message)")
        }
    }

    private func list(_ key: String) async throws {
        let document = try await client.document(S3Call("list", .GET, query: [("list-type", "2"), ("prefix", key), ("max-keys", "2")]))
        guard document.all("Contents").contains(where: { $0["Key"]?.text == key }) else {
            throw CloudErrors.s3.odd("the object that was just written is not in the listing", "list")
        }
    }

    private func checkCondition(_ say: Say, _ probe: Probe) async throws {
        // Where the condition was refused, the last line of this says so.
        guard probe.store.capabilities.features.contains(.conditionalWrites) else { return }
        do {
            _ = try await probe.upload()
            say(.warning, "the server ignores If-None-Match: if two copies of one artifact are made at the same time, the later one stays")
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
