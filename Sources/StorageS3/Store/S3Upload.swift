import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// An upload into a bucket: one request where the object is one part, a multipart upload where it is more.
///
/// A part that is all of the object is held in memory until ``complete(size:sha256:condition:)`` sends it, with the digest in its metadata. A
/// multipart upload begins with the first part that needs one; the digest is not known then, and stays unknown to the service.
final class S3Upload: ObjectUpload {
    private struct Written {
        enum Content {
            case held([ByteBuffer])
            case sent(S3Multipart.Part)
        }

        var offset: Int64
        var length: Int64
        var content: Content
    }

    private struct State {
        var isOpen = true
        var parts: [Int: Written] = [:]
        /// Whether the service was asked to publish it: it may have done so though its answer did not come.
        var isAsked = false
    }

    /// Bytes of a part that is gathered from its stream: sent from memory it can be sent again, and its checksum goes in front.
    private static let gathered: Int64 = 8 << 20
    /// Bytes of a part of unknown length.
    private static let longestUnstated = 64 << 20

    private let store: S3Store
    private let key: ObjectKey
    private let name: String
    private let metadata: ObjectMetadata
    private let expectedSize: Int64?
    private let begun = SharedValue<S3Multipart.Begun>()
    private let state = Mutex(State())

    private var client: S3Client { store.client }
    private var multipart: S3Multipart { store.multipart }

    /// - Parameter metadata: As the service will keep them.
    init(store: S3Store, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) {
        self.store = store
        self.key = key
        self.metadata = metadata
        self.expectedSize = expectedSize
        name = store.name(of: key)
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard (0..<S3Store.maxParts).contains(part.number), part.offset >= 0, (part.length ?? 0) >= 0 else {
            throw CloudErrors.s3.invalid("a part's number must be 0 to \(S3Store.maxParts - 1), and its offset not negative", "write")
        }
        try change("write") { $0.parts[part.number] = nil }
        let content: Written.Content
        let length: Int64
        let inMemory = try await part.gathered(from: body, upTo: Self.gathered, unstatedUpTo: Self.longestUnstated, errors: .s3)
        if let chunks = inMemory {
            length = chunks.reduce(0) { $0 + Int64($1.readableBytes) }
            guard part.length == nil || part.length == length else {
                throw CloudErrors.s3.invalid("part \(part.number) is \(length) bytes long, not as long as stated", "write")
            }
            if length == 0 || isWhole(part, length) {
                content = .held(chunks)
            } else {
                content = .sent(try await send(part.number, .bytes(chunks)))
            }
        } else {
            length = part.length ?? 0
            let counted = ByteStream(CountedStream(body, length: length, number: part.number, errors: .s3))
            content = .sent(try await send(part.number, .stream(counted, length: length)))
        }
        try change("write") { $0.parts[part.number] = Written(offset: part.offset, length: length, content: content) }
        return length
    }

    /// Whether the object is this part and no other.
    private func isWhole(_ part: UploadPart, _ length: Int64) -> Bool {
        guard part.number == 0, part.offset == 0 else { return false }
        // A part that is too short for a part must be the last.
        return expectedSize.map { $0 == length } ?? (length < S3Store.minPartSize)
    }

    private func send(_ number: Int, _ body: S3Call.Body) async throws -> S3Multipart.Part {
        let begun = try await begun.value {
            try await multipart.create(name, metadata: metadata, hasChecksums: client.sendsChecksums)
        }
        guard state.withLock({ $0.isOpen }) else {
            // It was given up while it began, and whoever gave it up did not know of it yet.
            await multipart.abort(name, upload: begun.id)
            throw over("write")
        }
        return try await multipart.write(
            number + 1, of: name, upload: begun.id, body, crc32c: begun.hasChecksums ? body.crc32c : nil)
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        throw CloudErrors.s3.error(.unsupported, "an upload cannot be read before it is complete", "read")
    }

    // MARK: The end

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let (parts, wasAsked) = try change("complete") { state in
            let parts = try Self.inOrder(state.parts, size: size)
            defer { state.isAsked = true }
            return (parts, state.isAsked)
        }
        do {
            var complete = metadata
            complete.sha256 = sha256
            let info: ObjectInfo
            if let chunks = Self.held(parts) {
                info = try await put(chunks, complete, condition, wasAsked: wasAsked)
            } else {
                // Services keep to the condition of a plain upload more often than to that of a completion.
                if condition == .absent, !wasAsked { try await store.requireAbsent(key, call: "complete") }
                info = try await assemble(parts, complete, condition, wasAsked: wasAsked)
            }
            close()
            return info
        } catch let error as StorageError where error.code == .preconditionFailed {
            await abort()
            throw error
        }
    }

    /// The parts in their order, without those that hold nothing.
    private static func inOrder(_ parts: [Int: Written], size: Int64) throws -> [(number: Int, part: Written)] {
        let parts = parts.map { (number: $0.key, part: $0.value) }.filter { $0.part.length > 0 }.sorted { $0.number < $1.number }
        var end: Int64 = 0
        for (_, part) in parts {
            guard part.offset == end else { throw CloudErrors.s3.invalid("bytes are missing or written twice", "complete") }
            end += part.length
        }
        guard end == size else { throw CloudErrors.s3.invalid("\(end) bytes were written instead of \(size)", "complete") }
        return parts
    }

    /// The bytes of an object that is in memory.
    private static func held(_ parts: [(number: Int, part: Written)]) -> [ByteBuffer]? {
        if parts.isEmpty { return [] }
        guard parts.count == 1, case .held(let chunks) = parts[0].part.content else { return nil }
        return chunks
    }

    private func put(
        _ chunks: [ByteBuffer], _ metadata: ObjectMetadata, _ condition: WriteCondition, wasAsked: Bool
    ) async throws -> ObjectInfo {
        var call = S3Call("put", .PUT, key: name, body: .bytes(chunks))
        call.addMetadata(metadata)
        call.offer(.putCondition, condition.headers, instead: { [store, key] in try await store.lookAbsent(key, call: "complete") })
        if client.sendsChecksums, let crc32c = call.body.crc32c { call.offer(.checksum, [("x-amz-checksum-crc32c", crc32c)]) }
        let size = chunks.reduce(0) { $0 + Int64($1.readableBytes) }
        let stored: Stored = try await multipart.retries.run { attempt in
            do {
                let answer = try await client.send(call)
                return .now(etag: ObjectFields.quoted(answer.headers.first(name: "etag") ?? ""))
            } catch let error as StorageError where error.code == .preconditionFailed && (attempt > 1 || wasAsked) {
                // What is there may be what the request before this one has stored.
                guard let info = try? await store.head(key), info.size == size, info.metadata.sha256 == metadata.sha256 else { throw error }
                return .before(info)
            }
        }
        switch stored {
        case .now(let etag): return try await info(size: size, etag: etag, metadata)
        case .before(let info): return info
        }
    }

    /// Which request stored an object that is sent whole.
    private enum Stored {
        case now(etag: String)
        /// An earlier one, whose answer did not come.
        case before(ObjectInfo)
    }

    private func assemble(
        _ parts: [(number: Int, part: Written)], _ metadata: ObjectMetadata, _ condition: WriteCondition, wasAsked: Bool
    ) async throws -> ObjectInfo {
        var sent: [S3Multipart.Part] = []
        for (number, part) in parts {
            switch part.content {
            case .sent(let part): sent.append(part)
            case .held(let chunks): sent.append(try await multipart.retries.run { _ in try await send(number, .bytes(chunks)) })
            }
        }
        guard let begun = begun.current else { throw over("complete") }
        let size = parts.reduce(0) { $0 + $1.part.length }
        let completion = try await multipart.complete(
            name, upload: begun.id, parts: sent, condition: condition, mayBeDone: wasAsked)
        switch completion {
        case .done(let etag): return try await info(size: size, etag: etag, metadata)
        case .uncertain:
            var info = try await store.completed(key, size: size, parts: sent.count, condition: condition, call: "complete")
            info.metadata.sha256 = metadata.sha256
            return info
        }
    }

    private func info(size: Int64, etag: String, _ metadata: ObjectMetadata) async throws -> ObjectInfo {
        if !etag.isEmpty { return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata) }
        // Some services do not say; it has one nevertheless.
        do {
            var info = try await multipart.retries.run { _ in try await store.head(key) }
            info.metadata.sha256 = metadata.sha256
            return info
        } catch let error as StorageError where error.code == .notFound {
            // Somebody has deleted it since.
            let etag = "\"\(metadata.sha256?.hex.prefix(32) ?? "deleted")\""
            return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata)
        }
    }

    func abort() async {
        guard close() else { return }
        // An upload that begins in this moment is aborted by whoever begins it.
        if let begun = begun.current { await multipart.abort(name, upload: begun.id) }
    }

    /// - Returns: Whether it was open.
    @discardableResult
    private func close() -> Bool {
        state.withLock { state in
            defer { state = State(isOpen: false) }
            return state.isOpen
        }
    }

    private func change<Result>(_ call: String, _ body: (inout sending State) throws -> sending Result) throws -> Result {
        try state.withLock { state in
            guard state.isOpen else { throw over(call) }
            return try body(&state)
        }
    }

    private func over(_ call: String) -> StorageError { CloudErrors.s3.invalid("the upload has already ended", call) }
}
