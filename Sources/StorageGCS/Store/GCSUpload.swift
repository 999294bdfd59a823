import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import Synchronization

/// An upload into a bucket.
///
/// If one part in memory is the whole object, it is kept until ``complete(size:sha256:condition:)`` sends it in one request. Anything else is uploaded under a
/// random name, in parts or, if its length is unknown, as a resumable upload. A copy within the bucket, which moves no bytes, then publishes it: only the copy
/// can have a condition, and the digest (decision 0028).
final class GCSUpload: CloudUpload {
    enum Sent: Sendable {
        case part(GCSMultipart.Part)
        /// All of the object.
        case whole(TemporaryObject)
    }

    /// What is in the bucket under random names.
    private struct Left {
        /// Names of objects to delete at the end.
        var temporary: Set<String> = []
        /// The object that the parts were combined into.
        var assembled: TemporaryObject?
    }

    private struct Begun: Sendable {
        let name: String
        let id: String
    }

    private let store: GCSStore
    private let key: ObjectKey
    let metadata: ObjectMetadata
    let parts: UploadParts<Sent>
    private let begun = SharedValue<Begun>()
    private let left = Mutex(Left())

    private var multipart: GCSMultipart { store.multipart }

    /// - Parameter metadata: As the service will store it.
    init(store: GCSStore, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) {
        self.store = store
        self.key = key
        self.metadata = metadata
        parts = UploadParts(maxParts: GCSStore.maxParts, minPartSize: GCSStore.minPartSize, expectedSize: expectedSize, errors: .gcs)
    }

    /// A random name in the folder of uploads.
    private func temporaryName() -> String {
        store.configuration.uploadPrefix + RandomBytes.hex(16)
    }

    /// Has an object deleted at the end.
    private func note(_ name: String, _ call: String) throws {
        left.withLock { _ = $0.temporary.insert(name) }
        guard parts.isOpen else { throw parts.ended(call) }
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard part.length == nil, body.chunks == nil, part.number == 0, part.offset == 0 else {
            return try await parts.write(part, from: body) { try await send($0, $1) }
        }
        return try await parts.write(part) { try await sendUnstated(part, body) }
    }

    /// A first part that may be the whole object: if it is short it stays in memory, otherwise it is sent as it arrives.
    private func sendUnstated(_ part: UploadPart, _ body: ByteStream) async throws -> (UploadParts<Sent>.Content, Int64) {
        var iterator = body.makeAsyncIterator()
        var chunks: [ByteBuffer] = []
        var length = 0
        while length <= UploadParts<Sent>.gathered {
            guard let chunk = try await iterator.next() else { return try await parts.keep(part, chunks) { try await send($0, $1) } }
            length += chunk.readableBytes
            chunks.append(chunk)
        }
        let name = temporaryName()
        try note(name, "write")
        let resumable = GCSResumable(client: store.client, multipart: multipart, retries: store.retries)
        let object = try await resumable.upload(chunks, &iterator, to: name)
        return (.sent(.whole(object)), object.size)
    }

    private func send(_ number: Int, _ body: CallBody) async throws -> Sent {
        let begun = try await begun.value {
            let name = temporaryName()
            return Begun(name: name, id: try await multipart.create(name))
        }
        guard parts.isOpen else {
            // It was aborted while it began, before `abort` could know of it.
            await multipart.abort(begun.name, upload: begun.id)
            throw parts.ended("write")
        }
        return .part(try await multipart.write(number + 1, of: begun.name, upload: begun.id, body, length: body.length))
    }

    // MARK: The end

    func put(_ chunks: [ByteBuffer], _ metadata: ObjectMetadata, _ condition: WriteCondition) async throws -> ObjectInfo {
        try await store.put(chunks, at: key, metadata, condition)
    }

    func assemble(
        _ whole: UploadParts<Sent>.Whole, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await store.publish(try await combined(whole), at: key, metadata, condition)
    }

    func cleanUp() async { await store.discard(left.withLock { $0.temporary }) }

    /// Combines everything that was sent into one object; only once.
    private func combined(_ whole: UploadParts<Sent>.Whole) async throws -> TemporaryObject {
        if let object = left.withLock({ $0.assembled }) { return object }
        for part in whole.parts {
            guard case .sent(.whole(let object)) = part.content else { continue }
            guard whole.parts.count == 1 else {
                throw CloudErrors.gcs.invalid("nothing can follow a first part whose length was not stated", "complete")
            }
            return object
        }
        let sent = try await whole.sent { number, body in try await store.retries.run { _ in try await send(number, body) } }
        guard let begun = begun.current else { throw parts.ended("complete") }
        // From the first request on, the object may be there.
        try note(begun.name, "complete")
        let pieces = sent.compactMap { if case .part(let part) = $0 { part } else { nil } }
        let object = try await multipart.complete(begun.name, upload: begun.id, parts: pieces)
        left.withLock { $0.assembled = object }
        return object
    }

    func abort() async {
        guard parts.close() else { return }
        let left = left.withLock { $0 }
        // An upload that begins at this moment is aborted by the call that begins it.
        if let begun = begun.current, left.assembled == nil { await multipart.abort(begun.name, upload: begun.id) }
        await store.discard(left.temporary)
    }
}
