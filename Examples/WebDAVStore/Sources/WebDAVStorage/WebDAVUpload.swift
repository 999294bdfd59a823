import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import Synchronization

/// An upload to a WebDAV server: the bytes go to a temporary name, in one request, and are moved to their place when they are complete.
final class WebDAVUpload: ObjectUpload {
    private struct State {
        var isOpen = true
        /// What the last writing left.
        var written: (path: String, length: Int64)?
        /// Temporary names that may have to be removed: a writing that failed may have left a file nevertheless.
        var temporary: [String] = []
    }

    /// How long an upload that is over waits for what it left to be removed.
    private static let removalLimit = Duration.seconds(15)

    private let store: WebDAVStore
    private let key: ObjectKey
    private let metadata: ObjectMetadata
    private let state = Mutex(State())

    private var client: WebDAVClient { store.client }

    init(store: WebDAVStore, key: ObjectKey, metadata: ObjectMetadata) {
        self.store = store
        self.key = key
        self.metadata = metadata
    }

    // MARK: The part

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard part.number == 0, part.offset == 0, (part.length ?? 0) >= 0 else { throw Self.invalid("an object is one part", "write") }
        // A name of its own for each writing: the server may still be busy with the one before.
        let path = PoolLayout.temporary()
        try state.withLock { state in
            guard state.isOpen else { throw Self.invalid("the upload has already ended", "write") }
            state.written = nil
            state.temporary.append(path)
        }
        try await client.makeCollection(PoolLayout.uploads)
        let length = try await put(body, stated: part.length, to: path)
        let isOpen = state.withLock { state in
            if state.isOpen { state.written = (path, length) }
            return state.isOpen
        }
        guard isOpen else {
            // It was given up meanwhile, and who gave it up may have looked for this file too early.
            await remove([path])
            throw Self.invalid("the upload has already ended", "write")
        }
        return length
    }

    /// - Returns: The bytes that were sent.
    private func put(_ body: ByteStream, stated: Int64?, to path: String) async throws -> Int64 {
        if let chunks = body.chunks {
            let length = chunks.reduce(0) { $0 + Int64($1.readableBytes) }
            guard stated == nil || stated == length else { throw Self.invalid("the part is not as long as stated", "write") }
            try await client.put(path, .bytes(chunks))
            return length
        }
        let counted = CountedStream(base: body, stated: stated)
        try await client.put(path, .stream(ServiceBody(counted), length: stated))
        let length = counted.count.bytes
        guard stated == nil || stated == length else { throw Self.invalid("the part is not as long as stated", "write") }
        return length
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        throw StorageError(.unsupported, "the server is not asked for what is not complete", operation: "\(WebDAVService.name).read")
    }

    // MARK: The end

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        if size == 0, state.withLock({ $0.isOpen && $0.written == nil }) {
            // Nothing was written, and that is all of it.
            _ = try await write(UploadPart(number: 0, offset: 0, length: 0), from: ByteStream(chunks: []))
        }
        let (path, temporary) = try close(size: size)
        do {
            let sidecar = Sidecar(key, size: size, sha256: sha256, lastModified: client.clock.now, metadata: metadata)
            let info = try await store.changes.withPermit(key) {
                if condition == .absent { try await requireAbsent() }
                return try await publish(path, sidecar)
            }
            // But for what earlier writings left, there is nothing any more.
            await remove(temporary.filter { $0 != path })
            return info
        } catch {
            await remove(temporary)
            throw error
        }
    }

    /// Ends the upload.
    ///
    /// - Returns: Where the bytes are, and all temporary names.
    /// - Throws: `.invalidRequest` if others were written than so many bytes; it goes on then.
    private func close(size: Int64) throws -> (path: String, temporary: [String]) {
        try state.withLock { state in
            guard state.isOpen else { throw Self.invalid("the upload has already ended", "complete") }
            guard let written = state.written, written.length == size else {
                throw Self.invalid("\(state.written?.length ?? 0) bytes were written instead of \(size)", "complete")
            }
            state.isOpen = false
            return (written.path, state.temporary)
        }
    }

    /// A look before: a server has no condition for two files.
    private func requireAbsent() async throws {
        do {
            _ = try await store.head(key)
        } catch let error as StorageError where error.code == .notFound {
            return
        }
        throw StorageError(
            .preconditionFailed, "the object \(key) exists already", operation: "\(WebDAVService.name).complete")
    }

    /// Moves the bytes, and then a sidecar, to their places. Whatever happens in between, there is no object until the last step.
    private func publish(_ path: String, _ sidecar: Sidecar) async throws -> ObjectInfo {
        let (data, place) = (PoolLayout.data(of: key), PoolLayout.sidecar(of: key))
        _ = try await held(path, sidecar)
        try await client.makeCollection(PoolLayout.collection(ofData: key), isShared: false)
        // From here on there is no object that other bytes could be taken for.
        try await client.delete(place)
        try await client.move(path, to: data)
        var sidecar = sidecar
        sidecar.dataETag = try await held(data, sidecar).etag
        guard let info = sidecar.info else { throw Self.invalid("the digest is not a SHA-256", "complete") }
        let document = PoolLayout.temporary()
        do {
            try await client.put(document, .bytes([try sidecar.encoded()]))
            try await client.makeCollection(PoolLayout.collection(ofSidecars: PoolLayout.prefix(of: key)))
            try await client.move(document, to: place)
        } catch {
            await remove([document])
            throw error
        }
        return info
    }

    /// What the server has as the object's bytes.
    ///
    /// - Throws: `.unavailable` if they are gone; `.checksumMismatch` if they are not all.
    private func held(_ path: String, _ sidecar: Sidecar) async throws -> WebDAVClient.Held {
        let held: WebDAVClient.Held
        do {
            held = try await client.head(path)
        } catch let error as StorageError where error.code == .notFound {
            throw StorageError(
                .unavailable, "what was written to \(path) is gone", operation: "\(WebDAVService.name).complete", cause: error)
        }
        guard sidecar.fits(held) else {
            throw StorageError(
                .checksumMismatch, "the server has \(held.length ?? 0) bytes of \(sidecar.size) in \(path)",
                operation: "\(WebDAVService.name).complete")
        }
        return held
    }

    func abort() async {
        let temporary = state.withLock { state -> [String] in
            defer { state = State(isOpen: false) }
            return state.isOpen ? state.temporary : []
        }
        await remove(temporary)
    }

    /// Removes files that nobody needs, also in a cancelled task. One that cannot be removed now stays.
    private func remove(_ paths: [String]) async {
        guard !paths.isEmpty else { return }
        // A task of its own is not cancelled; it is waited for.
        await Task { [client] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for path in paths { do { try await client.delete(path) } catch {} } }
                group.addTask { do { try await client.clock.sleep(for: Self.removalLimit) } catch {} }
                await group.next()
                group.cancelAll()
            }
        }.value
    }

    private static func invalid(_ message: String, _ call: String) -> StorageError {
        StorageError(.invalidRequest, message, operation: "\(WebDAVService.name).\(call)")
    }
}

/// A part's stream, which is counted and must be as long as stated.
private struct CountedStream: AsyncSequence, Sendable {
    final class Count: Sendable {
        private let value = Atomic<Int64>(0)

        var bytes: Int64 { value.load(ordering: .relaxed) }

        func add(_ bytes: Int) -> Int64 { value.wrappingAdd(Int64(bytes), ordering: .relaxed).newValue }
    }

    let base: ByteStream
    let stated: Int64?
    let count = Count()

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: ByteStream.AsyncIterator
        let stated: Int64?
        let count: Count

        mutating func next() async throws -> ByteBuffer? {
            let chunk = try await base.next()
            let total = count.add(chunk?.readableBytes ?? 0)
            guard let stated else { return chunk }
            guard total <= stated, chunk != nil || total == stated else {
                throw StorageError(.invalidRequest, "the part is not as long as stated", operation: "\(WebDAVService.name).write")
            }
            return chunk
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), stated: stated, count: count)
    }
}
