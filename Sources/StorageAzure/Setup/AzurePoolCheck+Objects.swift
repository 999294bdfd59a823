import Crypto
import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// Does with objects of its own what a running mirror does with artifacts.
extension AzurePoolCheck {
    /// The objects that are written, all in one folder.
    private struct Probe {
        let store: AzureStore
        let whole: ObjectKey
        let inBlocks: ObjectKey
        let copy: ObjectKey
        let fetched: ObjectKey
        let body: ByteBuffer
        let metadata: ObjectMetadata

        init(_ store: AzureStore, now: Timestamp) throws {
            self.store = store
            let folder = Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) })
            func key(_ name: String) throws -> ObjectKey { ObjectKey(try ArtifactURL("https://probe.invalid/\(folder)/\(name)")) }
            whole = try key("whole")
            inBlocks = try key("in-blocks")
            copy = try key("copy")
            fetched = try key("fetched")
            body = ByteBuffer(string: "Written by `cloud-mirror pools check`, which removes it. It may be deleted.\n")
            metadata = ObjectMetadata(contentType: "text/plain", upstreamURL: "", stored: now)
        }

        var size: Int64 { Int64(body.readableBytes) }
        var keys: [ObjectKey] { [whole, inBlocks, copy, fetched] }

        /// - Parameter isSecond: Whether it is another object, which must not replace the first.
        func upload(isSecond: Bool = false) async throws -> ObjectInfo {
            var metadata = metadata
            if isSecond { metadata.stored = metadata.stored + .seconds(1) }
            let upload = try await store.beginUpload(whole, metadata: metadata, expectedSize: size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: size), from: ByteStream(body))
            let sha256 = Array(SHA256.hash(data: Array(body.readableBytesView)))
            guard let digest = MirrorCore.Digest(.sha256, bytes: sha256) else { throw CloudErrors.azure.invalid("no digest", "put") }
            return try await upload.complete(size: size, sha256: digest, condition: .absent)
        }

        func uploadInBlocks() async throws {
            let (name, ids) = (store.name(of: inBlocks), BlockIDs())
            let block = try await store.blocks.write(ids.id(part: 0, attempt: 1), of: name, .bytes([body]))
            _ = try await store.blocks.commit(name, [block], metadata: metadata, condition: .absent)
            try await requireBody(inBlocks)
        }

        func copyInService(_ info: ObjectInfo) async throws {
            let endpoint = store.client.endpoint
            let source = CopySource(
                service: AzureService.name, endpoint: endpoint.url, region: endpoint.account, bucket: store.client.container,
                key: store.name(of: whole), size: size, etag: info.etag)
            _ = try await store.copy(copy, from: source, metadata: metadata, condition: .absent)
            try await requireBody(copy)
        }

        func fetchByService(_ info: ObjectInfo) async throws {
            let name = store.name(of: whole)
            var url = store.client.url(ofBlob: name)
            do {
                url = try await store.client.signedURL(ofBlob: name, life: .seconds(60)).url
            } catch let error as StorageError where error.code == .permissionDenied {
                // What cannot be signed may be public.
            }
            let source = URLSource(url: try ArtifactURL(url), isPublic: true, size: size, etag: info.etag)
            _ = try await store.pull(fetched, from: source, metadata: metadata, condition: .absent) {}
            try await requireBody(fetched)
        }

        func requireBody(_ key: ObjectKey) async throws {
            guard try await store.get(key, range: nil).body.collect(upTo: 4_096) == body else {
                throw CloudErrors.azure.odd("the data that was read differs from the data that was written", "get")
            }
        }
    }

    private static let reader = "Storage Blob Data Reader"
    private static let contributor = "Storage Blob Data Contributor"

    func checkObjects(_ say: Say) async throws {
        let probe = try Probe(probeStore, now: setup.clock.now)
        let name = probe.store.name(of: probe.whole)
        var written: ObjectInfo?
        try await attempt(say, "write an object", Self.contributor) { written = try await probe.upload() }
        if let written {
            try await attempt(say, "read an object", Self.reader) { try await probe.requireBody(probe.whole) }
            try await attempt(say, "look at an object (HEAD)", Self.reader) {
                guard try await probe.store.head(probe.whole).size == probe.size else {
                    throw CloudErrors.azure.odd("the object that was just written has a different size", "head")
                }
            }
            try await attempt(say, "list objects", Self.reader) {
                guard try await probe.store.list(after: nil, limit: 1_000).contains(where: { $0.key == probe.whole }) else {
                    throw CloudErrors.azure.odd("the object that was just written is not in the listing", "list")
                }
            }
            try await checkCondition(say, probe)
            try await checkReading(say, name, probe.body)
            try await checkService(say, "copy objects", otherwise: "artifacts from its own containers pass through the mirror") {
                try await probe.copyInService(written)
            }
            if configuration.pullsURLs {
                try await checkService(say, "fetch from URLs", otherwise: "all artifacts pass through the mirror") {
                    try await probe.fetchByService(written)
                }
            }
        }
        try await attempt(say, "upload in blocks", Self.contributor) { try await probe.uploadInBlocks() }
        // Also when nothing seems to be written: an answer may have been lost.
        try await attempt(say, "delete an object", Self.contributor) {
            for (key, error) in try await probe.store.delete(probe.keys) where error.code != .notFound {
                throw CloudErrors.azure.error(error.code, "\(key): \(error.message)", "delete")
            }
        }
    }

    @discardableResult
    private func attempt(_ say: Say, _ words: String, _ role: String, _ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            say(.ok, "may \(words)")
            return true
        } catch let error as StorageError {
            let advice = error.code == .permissionDenied ? "assign \(role) on the container: " : ""
            say(.error, "cannot \(words): \(advice)\(error.message)")
            return false
        }
    }

    private func checkCondition(_ say: Say, _ probe: Probe) async throws {
        do {
            _ = try await probe.upload(isSecond: true)
            say(.warning, "the server ignores If-None-Match: if two copies of one artifact are made at the same time, the later one stays")
        } catch let error as StorageError where error.code == .preconditionFailed {
            say(.ok, "a write that requires a new object does not replace an existing one")
        } catch let error as StorageError {
            say(.error, "cannot try to write over an existing object: \(error.message)")
        }
    }

    private func checkService(_ say: Say, _ words: String, otherwise: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
            say(.ok, "the service may \(words) by itself")
        } catch let error as StorageError {
            say(.warning, "the service does not \(words) by itself, so \(otherwise): \(error.message)")
        }
    }
}
