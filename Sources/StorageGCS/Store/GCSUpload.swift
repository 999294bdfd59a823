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
final class GCSUpload: ObjectUpload {
    struct Written {
        enum Content {
            case held([ByteBuffer])
            case sent(GCSMultipart.Part)
            /// All of the object.
            case stored(TemporaryObject)
        }

        var offset: Int64
        var length: Int64
        var content: Content
    }

    struct State {
        var isOpen = true
        var parts: [Int: Written] = [:]
        /// Names of objects to delete at the end.
        var temporary: Set<String> = []
        /// The object that the parts were combined into.
        var assembled: TemporaryObject?
    }

    struct Begun: Sendable {
        let name: String
        let id: String
    }

    /// The most bytes of a part that is collected in memory, so that it can be sent again, with its checksum in front.
    private static let gathered: Int64 = 8 << 20
    /// The most bytes of a part of unknown length that is not the first.
    private static let longestUnstated = 64 << 20

    let store: GCSStore
    let key: ObjectKey
    let metadata: ObjectMetadata
    private let expectedSize: Int64?
    let begun = SharedValue<Begun>()
    let state = Mutex(State())

    var client: GCSClient { store.client }
    var multipart: GCSMultipart { store.multipart }

    /// - Parameter metadata: As the service will keep them.
    init(store: GCSStore, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) {
        self.store = store
        self.key = key
        self.metadata = metadata
        self.expectedSize = expectedSize
    }

    /// A random name in the folder of uploads.
    private func temporaryName() -> String {
        store.configuration.uploadPrefix + Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) })
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard (0..<GCSStore.maxParts).contains(part.number), part.offset >= 0, (part.length ?? 0) >= 0 else {
            throw CloudErrors.gcs.invalid("a part's number must be 0 to \(GCSStore.maxParts - 1), and its offset not negative", "write")
        }
        try change("write") { $0.parts[part.number] = nil }
        let (content, length) = try await send(part, body)
        try change("write") { $0.parts[part.number] = Written(offset: part.offset, length: length, content: content) }
        return length
    }

    private func send(_ part: UploadPart, _ body: ByteStream) async throws -> (Written.Content, Int64) {
        if part.length == nil, body.chunks == nil, part.number == 0, part.offset == 0 { return try await sendUnstated(body) }
        let inMemory = try await part.gathered(from: body, upTo: Self.gathered, unstatedUpTo: Self.longestUnstated, errors: .gcs)
        if let chunks = inMemory {
            let length = chunks.reduce(0) { $0 + Int64($1.readableBytes) }
            guard part.length == nil || part.length == length else {
                throw CloudErrors.gcs.invalid("part \(part.number) is \(length) bytes long, not as long as stated", "write")
            }
            if length == 0 || isWhole(part, length) { return (.held(chunks), length) }
            return (.sent(try await send(part.number, .bytes(chunks), length)), length)
        }
        let length = part.length ?? 0
        let counted = ByteStream(CountedStream(body, length: length, number: part.number, errors: .gcs))
        return (.sent(try await send(part.number, .stream(counted, length: length), length)), length)
    }

    /// A first part that may be the whole object: if it is short it stays in memory, otherwise it is sent as it arrives.
    private func sendUnstated(_ body: ByteStream) async throws -> (Written.Content, Int64) {
        var iterator = body.makeAsyncIterator()
        var chunks: [ByteBuffer] = []
        var length: Int64 = 0
        while length <= Self.gathered {
            guard let chunk = try await iterator.next() else {
                let part = UploadPart(number: 0, offset: 0, length: length)
                if length == 0 || isWhole(part, length) { return (.held(chunks), length) }
                return (.sent(try await send(0, .bytes(chunks), length)), length)
            }
            length += Int64(chunk.readableBytes)
            chunks.append(chunk)
        }
        let name = temporaryName()
        try change("write") { _ = $0.temporary.insert(name) }
        let resumable = GCSResumable(client: client, multipart: multipart, retries: store.retries)
        let object = try await resumable.upload(chunks, &iterator, to: name)
        return (.stored(object), object.size)
    }

    /// Whether the object is this part and no other.
    private func isWhole(_ part: UploadPart, _ length: Int64) -> Bool {
        guard part.number == 0, part.offset == 0 else { return false }
        // A part that is too short for a part must be the last.
        return expectedSize.map { $0 == length } ?? (length < GCSStore.minPartSize)
    }

    func send(_ number: Int, _ body: CallBody, _ length: Int64) async throws -> GCSMultipart.Part {
        let begun = try await begun.value {
            let name = temporaryName()
            return Begun(name: name, id: try await multipart.create(name))
        }
        guard state.withLock({ $0.isOpen }) else {
            // It was aborted while it began, before `abort` could know of it.
            await multipart.abort(begun.name, upload: begun.id)
            throw over("write")
        }
        return try await multipart.write(number + 1, of: begun.name, upload: begun.id, body, length: length)
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        throw CloudErrors.gcs.error(.unsupported, "an upload cannot be read before it is complete", "read")
    }

    // MARK: The end

    func abort() async {
        guard let left = close() else { return }
        // An upload that begins at this moment is aborted by the call that begins it.
        if let begun = begun.current, left.assembled == nil { await multipart.abort(begun.name, upload: begun.id) }
        await store.discard(left.temporary)
    }

    /// - Returns: The last state; `nil` if the upload was over already.
    func close() -> State? {
        state.withLock { state in
            defer { state = State(isOpen: false) }
            return state.isOpen ? state : nil
        }
    }

    func change<Result>(_ call: String, _ body: (inout sending State) throws -> sending Result) throws -> Result {
        try state.withLock { state in
            guard state.isOpen else { throw over(call) }
            return try body(&state)
        }
    }

    func over(_ call: String) -> StorageError { CloudErrors.gcs.invalid("the upload has already ended", call) }
}
