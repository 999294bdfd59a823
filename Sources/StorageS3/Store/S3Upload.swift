import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// An upload into a bucket: one request if the object has a single part, otherwise a multipart upload.
///
/// A part that is the whole object is held in memory until ``complete(size:sha256:condition:)`` sends it, with the digest in its metadata. A
/// multipart upload begins when the first part has to be sent; the digest is not known then, so the service never gets it.
final class S3Upload: CloudUpload {
    private let store: S3Store
    private let key: ObjectKey
    private let name: String
    let metadata: ObjectMetadata
    let parts: UploadParts<S3Multipart.Part>
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

    // MARK: The end

    func put(_ chunks: [ByteBuffer], _ metadata: ObjectMetadata, _ condition: WriteCondition) async throws -> ObjectInfo {
        var call = S3Call("put", .PUT, key: name, body: .bytes(chunks))
        if metadata.sha256?.algorithm == .sha256 { call.sha256 = metadata.sha256 }
        call.addMetadata(metadata)
        call.offer(.putCondition, condition.headers, instead: { [store, key] in try await store.lookAbsent(key, call: "complete") })
        if client.sendsChecksums, let crc32c = call.body.crc32c { call.offer(.checksum, [("x-amz-checksum-crc32c", crc32c)]) }
        return try await store.publishing(key, size: call.body.length, metadata) { [call] in
            try await client.send(call).headers.first(name: "etag") ?? ""
        }
    }

    func assemble(
        _ whole: UploadParts<S3Multipart.Part>.Whole, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        // Services enforce the condition of a plain upload more often than that of a completion.
        if condition == .absent, !whole.wasAsked { try await store.requireAbsent(key, call: "complete") }
        let sent = try await whole.sent { number, body in
            try await multipart.retries.run { _ in try await send(number, body) }
        }
        guard let begun = begun.current else { throw parts.ended("complete") }
        let completion = try await multipart.complete(
            name, upload: begun.id, parts: sent, condition: condition, mayBeDone: whole.wasAsked)
        switch completion {
        case .done(let etag): return try await store.info(of: key, size: whole.size, etag: etag, metadata)
        case .uncertain:
            var info = try await store.completed(key, size: whole.size, self.metadata, condition: condition, call: "complete")
            info.metadata.sha256 = metadata.sha256
            return info
        }
    }

    func abort() async {
        guard parts.close() else { return }
        // An upload that is just beginning is aborted by the task that begins it.
        if let begun = begun.current { await multipart.abort(name, upload: begun.id) }
    }
}
