import MirrorCore
import MirrorStorage
import MirrorSystem
import NIOCore
import Synchronization

/// An upload into a ``LocalStore`` that is written as it arrives: one file, in which every part has a fixed place from the start.
///
/// An upload that is dropped without ``complete(size:sha256:)`` or ``abort()`` removes its file, too.
final class LocalUpload: ObjectUpload {
    private enum Phase {
        case open, completing, over
    }

    private struct State {
        var phase = Phase.open
        /// `abort` was called while `complete` was running: if that fails, the upload ends.
        var isAborted = false
        var parts = WrittenParts()
        var file: Descriptor?

        /// Ends the upload.
        ///
        /// - Returns: What remains of it, to be closed.
        mutating func end() -> Descriptor? {
            phase = .over
            return file.take()
        }
    }

    private let store: LocalStore
    private let key: ObjectKey
    private let metadata: ObjectMetadata
    private let expectedSize: Int64?
    private let name: String
    private let state: Mutex<State>

    /// Creates the file; blocks.
    init(store: LocalStore, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) throws {
        self.store = store
        self.key = key
        self.metadata = metadata
        self.expectedSize = expectedSize
        name = Self.randomName()
        state = Mutex(State(file: try store.directory.createUpload(name)))
    }

    deinit {
        guard state.withLock({ $0.phase != .over }) else { return }
        let (directory, name, file) = (store.directory, name, state.withLock { $0.end() })
        store.threads.startAlways {
            directory.removeUpload(name)
            // Held until here: closing the last descriptor of a removed file frees its blocks, which may take a while.
            withExtendedLifetime(file) {}
        }
    }

    static func randomName() -> String {
        RandomBytes.hex(16) + ".part"
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        let operation = "local.write"
        let file = try state.withLock { state in
            guard state.phase == .open, let file = state.file else { throw StorageError.uploadHasEnded(operation) }
            try WrittenParts.explaining(operation) { () throws(WrittenParts.Problem) in try state.parts.begin(part) }
            return file
        }
        do {
            let written = try await write(part, from: body, to: file, operation: operation)
            // The digest is computed after the parts. Syncing in the meantime shortens the sync in `complete`.
            if isLastOfMany() { try await store.threads.run(operation, within: LocalStore.limits.idle) { try file.sync() } }
            state.withLock { $0.parts.finish(part.number) }
            return written
        } catch {
            state.withLock { $0.parts.fail(part.number) }
            guard var full = error as? StorageError, full.code == .full else { throw error }
            // As many bytes again may still arrive.
            full.missingBytes = max(
                full.missingBytes ?? 0, min(state.withLock { $0.parts.writtenBytes }, SpaceAhead.most), Self.leastMissing)
            // Nothing more fits, so the bytes written so far only take space from others.
            await abort()
            throw full
        }
    }

    private static let leastMissing: Int64 = 1 << 20

    /// Bytes; for larger objects, the sync takes too long to leave it to the end.
    private static let largeSize: Int64 = 64 << 20

    /// Whether all bytes of a large object have been written, in several parts.
    private func isLastOfMany() -> Bool {
        guard let expectedSize, expectedSize >= Self.largeSize else { return false }
        return state.withLock { $0.parts.count > 1 && $0.parts.writtenBytes == expectedSize }
    }

    /// Writes one batch while the next one arrives.
    private func write(_ part: UploadPart, from body: ByteStream, to file: Descriptor, operation: String) async throws -> Int64 {
        var batches = ChunkBatches(body)
        var blocks = BlocksAhead(part)
        var writeBack = WriteBack(offset: part.offset)
        var written: Int64 = 0
        var batch = try await batches.next()
        while let current = batch {
            let (offset, count) = (part.offset + written, Int64(current.byteCount))
            guard count <= (part.length ?? .max - part.offset) - written else {
                throw StorageError(.invalidRequest, "part \(part.number) is longer than stated", operation: operation)
            }
            let due = writeBack.advance(to: offset + count)
            let reserved = blocks.reserved
            let ahead = blocks.next(for: offset + count, written: { state.withLock { $0.parts.writtenBytes } })
            // Not a child task, which would cost two changes of threads for each batch.
            let done: FileCall<Int64?> = store.threads.start(operation, within: LocalStore.limits.idle) { [store] in
                let end = try ahead.map { try store.reserve(file, from: reserved, to: offset + count, ahead: $0, operation: operation) }
                var position = offset
                for chunk in current.chunks {
                    try file.write(chunk, at: position)
                    position += Int64(chunk.readableBytes)
                }
                if let due {
                    file.startWriteBack(offset: due.offset, length: due.length)
                    try store.checkSpace(for: 0, operation: operation)
                }
                return end
            }
            do {
                batch = try await batches.next()
            } catch {
                // Nothing of the part is written any more when its failure is known.
                done.leave()
                _ = try? await done.value
                throw error
            }
            if let end = try await done.value { blocks.reserved = end }
            written += count
            state.withLock { $0.parts.add(Int(count), to: part.number) }
        }
        guard part.length == nil || part.length == written else {
            throw StorageError(.invalidRequest, "part \(part.number) is shorter than stated", operation: operation)
        }
        return written
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        let operation = "local.read"
        let file = try state.withLock { state in
            guard state.phase == .open, let file = state.file else { throw StorageError.uploadHasEnded(operation) }
            guard state.parts.hold(range) else {
                throw StorageError(.invalidRequest, "the range was not written yet", operation: operation)
            }
            return file
        }
        return ByteStream(FileReader(file, from: range.offset, to: range.end, threads: store.threads, operation: operation))
    }

    // MARK: End

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let operation = "local.complete"
        let (footer, info) = try store.describe(key, size: size, sha256: sha256, metadata, operation: operation)
        // All in one call on the thread, so that it runs to its end even if the task leaves.
        try await store.threads.run(operation, within: LocalStore.limits.complete) { try self.publish(footer, size: size, operation) }
        return info
    }

    private func publish(_ footer: ObjectFooter, size: Int64, _ operation: String) throws {
        let file = try state.withLock { state in
            guard state.phase == .open, let file = state.file else { throw StorageError.uploadHasEnded(operation) }
            try WrittenParts.explaining(operation) { () throws(WrittenParts.Problem) in try state.parts.check(size: size) }
            state.phase = .completing
            return file
        }
        do {
            let encoded = try footer.encoded(operation: operation)
            try file.write(encoded, at: size)
            // Frees reserved blocks, and cuts off anything that a failed attempt wrote, beyond the end.
            try file.truncate(to: size + Int64(encoded.readableBytes))
            try store.directory.publish(file, of: name, as: key) {
                // Callers that gave up on a hanging disk rely on this: the object must not appear long afterwards.
                if state.withLock({ $0.isAborted }) { throw StorageError.uploadHasEnded(operation) }
            }
            _ = state.withLock { $0.end() }
        } catch {
            let isAborted = state.withLock { state in
                if state.isAborted { _ = state.end() } else { state.phase = .open }
                return state.isAborted
            }
            if isAborted { store.directory.removeUpload(name) }
            throw error
        }
    }

    func abort() async {
        let file = state.withLock { state in
            state.isAborted = true
            return state.phase == .open ? state.end() : nil
        }
        guard let file else { return }
        await store.threads.runAlways { [store, name] in
            store.directory.removeUpload(name)
            withExtendedLifetime(file) {}
        }
    }
}
