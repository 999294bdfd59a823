import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// An upload into a bucket: one request if the object has a single part, otherwise a multipart upload.
///
/// A part that is the whole object is held in memory until ``complete(size:sha256:condition:)`` sends it, with the digest in its metadata. A
/// multipart upload begins when the first part has to be sent; the digest is not known then, so the service never gets it.
final class S3Upload: ObjectUpload {
    private let store: S3Store
    private let key: ObjectKey
    private let name: String
    private let metadata: ObjectMetadata
    private let parts: UploadParts<S3Multipart.Part>
    private let begun = SharedValue<S3Multipart.Begun>()

    private var client: S3Client { store.client }
    private var multipart: S3Multipart { store.multipart }

    /// - Parameter metadata: As the service will return it.
    init(store: S3Store, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) {
        self.store = store
        self.key = key
        self.metadata = metadata
        parts = UploadParts(maxParts: S3Store.maxParts, minPartSize: S3Store.minPartSize, expectedSize: expectedSize, errors: .s3)
        name = store.name(of: key)
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try await parts.write(part, from: body) { try await send($0, $1) }
    }

    private func send(_ number: Int, _ body: CallBody) async throws -> S3Multipart.Part {
        let begun = try await begun.value {
            try await multipart.create(name, metadata: metadata, hasChecksums: client.sendsChecksums)
        }
        guard parts.isOpen else {
            // The upload was aborted while it was beginning, when `abort` did not know of it yet.
            await multipart.abort(name, upload: begun.id)
            throw parts.ended("write")
        }
        return try await multipart.write(
            number + 1, of: name, upload: begun.id, body, crc32c: begun.hasChecksums ? body.crc32c : nil)
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        throw CloudErrors.s3.error(.unsupported, "an upload cannot be read before it is complete", "read")
    }

    // MARK: The end

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let whole = try parts.whole(size: size)
        do {
            var complete = metadata
            complete.sha256 = sha256
            let info: ObjectInfo
            if let chunks = whole.held {
                info = try await put(chunks, complete, condition)
            } else {
                // Services enforce the condition of a plain upload more often than that of a completion.
                if condition == .absent, !whole.wasAsked { try await store.requireAbsent(key, call: "complete") }
                info = try await assemble(whole, complete, condition)
            }
            parts.close()
            return info
        } catch let error as StorageError where error.code == .preconditionFailed {
            await abort()
            throw error
        }
    }

    private func put(_ chunks: [ByteBuffer], _ metadata: ObjectMetadata, _ condition: WriteCondition) async throws -> ObjectInfo {
        var call = S3Call("put", .PUT, key: name, body: .bytes(chunks))
        call.addMetadata(metadata)
        call.offer(.putCondition, condition.headers, instead: { [store, key] in try await store.lookAbsent(key, call: "complete") })
        if client.sendsChecksums, let crc32c = call.body.crc32c { call.offer(.checksum, [("x-amz-checksum-crc32c", crc32c)]) }
        let size = chunks.reduce(0) { $0 + Int64($1.readableBytes) }
        let stored: Stored = try await multipart.retries.run { _ in
            do {
                let answer = try await client.send(call)
                return .now(etag: ObjectFields.quoted(answer.headers.first(name: "etag") ?? ""))
            } catch let error as StorageError {
                return .before(try await store.published(key, size: size, metadata, despite: error))
            }
        }
        switch stored {
        case .now(let etag): return try await info(size: size, etag: etag, metadata)
        case .before(let info): return info
        }
    }

    /// Which request stored an object that was sent whole.
    private enum Stored {
        case now(etag: String)
        /// An earlier one, whose answer was lost.
        case before(ObjectInfo)
    }

    private func assemble(
        _ whole: UploadParts<S3Multipart.Part>.Whole, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let sent = try await whole.sent { number, body in
            try await multipart.retries.run { _ in try await send(number, body) }
        }
        guard let begun = begun.current else { throw parts.ended("complete") }
        let completion = try await multipart.complete(
            name, upload: begun.id, parts: sent, condition: condition, mayBeDone: whole.wasAsked)
        switch completion {
        case .done(let etag): return try await info(size: whole.size, etag: etag, metadata)
        case .uncertain:
            var info = try await store.completed(key, size: whole.size, self.metadata, condition: condition, call: "complete")
            info.metadata.sha256 = metadata.sha256
            return info
        }
    }

    private func info(size: Int64, etag: String, _ metadata: ObjectMetadata) async throws -> ObjectInfo {
        if !etag.isEmpty { return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata) }
        // Some services do not state an ETag, but the object has one.
        do {
            var info = try await multipart.retries.run { _ in try await store.head(key) }
            info.metadata.sha256 = metadata.sha256
            return info
        } catch let error as StorageError where error.code == .notFound {
            // It has been deleted since.
            let etag = "\"\(metadata.sha256?.hex.prefix(32) ?? "deleted")\""
            return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata)
        }
    }

    func abort() async {
        guard parts.close() else { return }
        // An upload that is just beginning is aborted by the task that begins it.
        if let begun = begun.current { await multipart.abort(name, upload: begun.id) }
    }
}
