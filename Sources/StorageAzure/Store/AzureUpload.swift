import Crypto
import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// An upload into a container: one request where the object is one part, blocks where it is more.
///
/// A part that is all of the object is held in memory until ``complete(size:sha256:condition:)`` sends it. Blocks belong to nothing until
/// they are committed, with the digest in the metadata; the service drops those that never are within a week, and there is no way to ask
/// it to do so sooner.
final class AzureUpload: ObjectUpload {
    private struct Written {
        enum Content {
            case held([ByteBuffer])
            case sent(AzureBlocks.Block)
        }

        var offset: Int64
        var length: Int64
        var content: Content
    }

    private struct State {
        var isOpen = true
        var parts: [Int: Written] = [:]
        /// Blocks that were begun, so that each has a name of its own.
        var attempts = 0
    }

    /// Bytes of a part that is gathered from its stream: sent from memory it can be sent again, and its check goes in front.
    private static let gathered: Int64 = 8 << 20
    /// Bytes of a part of unknown length.
    private static let longestUnstated = 64 << 20

    private let store: AzureStore
    private let key: ObjectKey
    private let name: String
    private let metadata: ObjectMetadata
    private let expectedSize: Int64?
    private let ids = BlockIDs()
    private let state = Mutex(State())

    private var client: AzureClient { store.client }
    private var blocks: AzureBlocks { store.blocks }

    /// - Parameter metadata: As the service will keep them.
    init(store: AzureStore, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) {
        self.store = store
        self.key = key
        self.metadata = metadata
        self.expectedSize = expectedSize
        name = store.name(of: key)
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard (0..<AzureStore.maxParts).contains(part.number), part.offset >= 0, (part.length ?? 0) >= 0 else {
            throw CloudErrors.azure.invalid("a part's number must be 0 to \(AzureStore.maxParts - 1), and its offset not negative", "write")
        }
        try change("write") { $0.parts[part.number] = nil }
        let content: Written.Content
        let length: Int64
        let inMemory = try await part.gathered(from: body, upTo: Self.gathered, unstatedUpTo: Self.longestUnstated, errors: .azure)
        if let chunks = inMemory {
            length = chunks.reduce(0) { $0 + Int64($1.readableBytes) }
            guard part.length == nil || part.length == length else {
                throw CloudErrors.azure.invalid("part \(part.number) is \(length) bytes long, not as long as stated", "write")
            }
            if length == 0 || isWhole(part, length) {
                content = .held(chunks)
            } else {
                content = .sent(try await send(part.number, .bytes(chunks)))
            }
        } else {
            length = part.length ?? 0
            let counted = ByteStream(CountedStream(body, length: length, number: part.number, errors: .azure))
            content = .sent(try await send(part.number, .stream(counted, length: length)))
        }
        try change("write") { $0.parts[part.number] = Written(offset: part.offset, length: length, content: content) }
        return length
    }

    /// Whether the object is this part and no other.
    private func isWhole(_ part: UploadPart, _ length: Int64) -> Bool {
        guard part.number == 0, part.offset == 0 else { return false }
        // A part that is too short for a part must be the last.
        return expectedSize.map { $0 == length } ?? (length < AzureStore.minPartSize)
    }

    private func send(_ number: Int, _ body: AzureCall.Body) async throws -> AzureBlocks.Block {
        let attempt = try change("write") { state in
            state.attempts += 1
            return state.attempts
        }
        return try await blocks.write(ids.id(part: number, attempt: attempt), of: name, body)
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        throw CloudErrors.azure.error(.unsupported, "an upload cannot be read before it is complete", "read")
    }

    // MARK: The end

    func complete(size: Int64, sha256: MirrorCore.Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let parts = try change("complete") { state in try Self.inOrder(state.parts, size: size) }
        var complete = metadata
        complete.sha256 = sha256
        do {
            let info: ObjectInfo
            if let chunks = Self.held(parts) {
                info = try await put(chunks, complete, condition)
            } else {
                info = try await assemble(parts, complete, size: size, condition)
            }
            close()
            return info
        } catch let error as StorageError where error.code == .preconditionFailed {
            close()
            throw error
        }
    }

    /// The parts in their order, without those that hold nothing.
    private static func inOrder(_ parts: [Int: Written], size: Int64) throws -> [(number: Int, part: Written)] {
        let parts = parts.map { (number: $0.key, part: $0.value) }.filter { $0.part.length > 0 }.sorted { $0.number < $1.number }
        var end: Int64 = 0
        for (_, part) in parts {
            guard part.offset == end else { throw CloudErrors.azure.invalid("bytes are missing or written twice", "complete") }
            end += part.length
        }
        guard end == size else { throw CloudErrors.azure.invalid("\(end) bytes were written instead of \(size)", "complete") }
        return parts
    }

    /// The bytes of an object that is in memory.
    private static func held(_ parts: [(number: Int, part: Written)]) -> [ByteBuffer]? {
        if parts.isEmpty { return [] }
        guard parts.count == 1, case .held(let chunks) = parts[0].part.content else { return nil }
        return chunks
    }

    private func put(_ chunks: [ByteBuffer], _ metadata: ObjectMetadata, _ condition: WriteCondition) async throws -> ObjectInfo {
        var hash = Insecure.MD5()
        for chunk in chunks { chunk.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }
        let md5 = Base64.encode(Array(hash.finalize()))
        let call = AzureCall(
            "put", .PUT, .blob(name: name),
            headers: [("x-ms-blob-type", "BlockBlob"), ("content-md5", md5)] + MetadataFields.azure.headers(metadata) + condition.headers,
            body: .bytes(chunks))
        let size = call.body.length
        return try await blocks.retries.run { _ in
            do {
                let answer = try await client.send(call)
                if let stated = answer.headers.first(name: "content-md5"), stated != md5 {
                    throw CloudErrors.azure.error(.checksumMismatch, "the service received different bytes from those sent", call.name)
                }
                return info(try AzureBlocks.commit(answer, call.name, now: client.now), size: size, metadata)
            } catch let error as StorageError {
                return try await store.published(key, size: size, metadata, condition, despite: error)
            }
        }
    }

    private func assemble(
        _ parts: [(number: Int, part: Written)], _ metadata: ObjectMetadata, size: Int64, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        var sent: [AzureBlocks.Block] = []
        for (number, part) in parts {
            switch part.content {
            case .sent(let block): sent.append(block)
            case .held(let chunks): sent.append(try await blocks.retries.run { _ in try await send(number, .bytes(chunks)) })
            }
        }
        let all = sent
        return try await blocks.retries.run { _ in
            do {
                return info(try await blocks.commit(name, all, metadata: metadata, condition: condition), size: size, metadata)
            } catch let error as StorageError {
                return try await store.published(key, size: size, metadata, condition, despite: error)
            }
        }
    }

    private func info(_ commit: AzureBlocks.Commit, size: Int64, _ metadata: ObjectMetadata) -> ObjectInfo {
        ObjectInfo(key: key, size: size, etag: commit.etag, lastModified: commit.lastModified, metadata: metadata)
    }

    func abort() async { close() }

    private func close() { state.withLock { $0 = State(isOpen: false) } }

    private func change<Result>(_ call: String, _ body: (inout sending State) throws -> sending Result) throws -> Result {
        try state.withLock { state in
            guard state.isOpen else { throw CloudErrors.azure.invalid("the upload has already ended", call) }
            return try body(&state)
        }
    }
}
