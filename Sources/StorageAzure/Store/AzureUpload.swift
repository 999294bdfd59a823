import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// An upload into a container: one request if the object is one part, otherwise blocks.
///
/// A part that is the whole object is held in memory until ``complete(size:sha256:condition:)`` sends it. Blocks belong to no blob until they are
/// committed, with the digest in the metadata; the service drops uncommitted ones within a week, and there is no way to ask
/// it to do so sooner.
final class AzureUpload: CloudUpload {
    private let store: AzureStore
    private let key: ObjectKey
    private let name: String
    let metadata: ObjectMetadata
    let parts: UploadParts<AzureBlocks.Block>
    private let ids = BlockIDs()
    /// The number of blocks begun, so that each gets a different name.
    private let attempts = Atomic<Int>(0)

    private var client: AzureClient { store.client }
    private var blocks: AzureBlocks { store.blocks }

    /// - Parameter metadata: As the service will store it.
    init(store: AzureStore, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) {
        self.store = store
        self.key = key
        self.metadata = metadata
        parts = UploadParts(maxParts: AzureStore.maxParts, minPartSize: AzureStore.minPartSize, expectedSize: expectedSize, errors: .azure)
        name = store.name(of: key)
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try await parts.write(part, from: body) { try await send($0, $1) }
    }

    private func send(_ number: Int, _ body: CallBody) async throws -> AzureBlocks.Block {
        guard parts.isOpen else { throw parts.ended("write") }
        let attempt = attempts.add(1, ordering: .relaxed).newValue
        return try await blocks.write(ids.id(part: number, attempt: attempt), of: name, body)
    }

    // MARK: The end

    func put(_ chunks: [ByteBuffer], _ metadata: ObjectMetadata, _ condition: WriteCondition) async throws -> ObjectInfo {
        let body = CallBody.bytes(chunks)
        let size = body.length
        // In a fraction of the time that an MD5 takes. The service computes that by itself, for whoever reads the blob.
        let crc64 = size > 0 ? body.crc64 : nil
        var headers: [(name: String, value: String)] = [("x-ms-blob-type", "BlockBlob")]
        if let crc64 { headers.append(("x-ms-content-crc64", AzureCRC64.text(crc64))) }
        headers += MetadataFields.azure.headers(metadata) + condition.headers
        let call = AzureCall("put", .PUT, .object(name), headers: headers, body: body)
        // The entity tag of a blob that arrived wrong and is still there.
        var wrong: String?
        return try await blocks.retries.run { _ in
            do {
                try await delete(&wrong)
                let answer = try await client.send(call)
                if let crc64, let stated = answer.headers.first(name: "x-ms-content-crc64").flatMap(AzureCRC64.value), stated != crc64 {
                    wrong = answer.headers.first(name: "etag")
                    try await delete(&wrong)
                    throw CloudErrors.azure.error(.checksumMismatch, "the service received different bytes from those sent", call.name)
                }
                return info(try AzureBlocks.commit(answer, call.name, now: client.now), size: size, metadata)
            } catch let error as StorageError {
                return try await store.published(key, size: size, metadata, condition, despite: error)
            }
        }
    }

    /// Deletes a blob that arrived wrong. While it is there, no attempt may follow: it would take the blob for its own.
    private func delete(_ wrong: inout String?) async throws {
        guard let etag = wrong else { return }
        try await store.delete(key, ifMatch: etag)
        wrong = nil
    }

    func assemble(
        _ whole: UploadParts<AzureBlocks.Block>.Whole, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let sent = try await whole.sent { number, body in
            try await blocks.retries.run { _ in try await send(number, body) }
        }
        return try await blocks.retries.run { _ in
            do {
                return info(try await blocks.commit(name, sent, metadata: metadata, condition: condition), size: whole.size, metadata)
            } catch let error as StorageError {
                return try await store.published(key, size: whole.size, metadata, condition, despite: error)
            }
        }
    }

    private func info(_ commit: AzureBlocks.Commit, size: Int64, _ metadata: ObjectMetadata) -> ObjectInfo {
        ObjectInfo(key: key, size: size, etag: commit.etag, lastModified: commit.lastModified, metadata: metadata)
    }

    func abort() async { parts.close() }
}
