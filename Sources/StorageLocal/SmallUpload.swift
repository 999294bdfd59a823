import MirrorCore
import MirrorStorage
import MirrorSystem
import NIOCore
import Synchronization

/// An upload of a small object into a ``LocalStore``: its bytes wait in memory, and its file is made at the end, in one call.
///
/// A call for each step would cost a change of threads there and back, which takes longer than to write the bytes. Until the end there is no file, so
/// nothing has to be removed after an upload that is aborted or dropped.
final class SmallUpload: ObjectUpload {
    /// The largest size in bytes: no more than other uploads hold in memory at a time.
    static let maxSize = Int64(ChunkBatches.size)

    private enum Phase {
        case open, completing, over
    }

    /// The bytes of a finished part.
    private struct Piece {
        let offset: Int64
        let bytes: ByteBuffer
        var end: Int64 { offset + Int64(bytes.readableBytes) }
    }

    private struct State {
        var phase = Phase.open
        /// `abort` was called while `complete` was running: if that fails, the upload ends.
        var isAborted = false
        var parts = WrittenParts()
        /// By the numbers of their parts.
        var pieces: [Int: Piece] = [:]

        mutating func end() {
            phase = .over
            pieces = [:]
        }
    }

    private let store: LocalStore
    private let key: ObjectKey
    private let metadata: ObjectMetadata
    private let expectedSize: Int64
    private let state = Mutex(State())

    init(store: LocalStore, key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64) {
        self.store = store
        self.key = key
        self.metadata = metadata
        self.expectedSize = expectedSize
    }

    // MARK: Parts

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        let operation = "local.write"
        try state.withLock { state in
            guard state.phase == .open else { throw StorageError.uploadHasEnded(operation) }
            try WrittenParts.explaining(operation) { () throws(WrittenParts.Problem) in try state.parts.begin(part) }
            state.pieces[part.number] = nil
        }
        do {
            let bytes = try await gather(part, from: body, operation)
            try state.withLock { state in
                guard state.phase == .open else { throw StorageError.uploadHasEnded(operation) }
                state.parts.add(bytes.readableBytes, to: part.number)
                state.parts.finish(part.number)
                state.pieces[part.number] = Piece(offset: part.offset, bytes: bytes)
            }
            return Int64(bytes.readableBytes)
        } catch {
            state.withLock { $0.parts.fail(part.number) }
            throw error
        }
    }

    /// Copies the bytes, because a chunk of a few bytes may hold a receive buffer of many.
    private func gather(_ part: UploadPart, from body: ByteStream, _ operation: String) async throws -> ByteBuffer {
        // Nothing beyond what was announced is kept in memory.
        let limit = min(part.length ?? .max - part.offset, expectedSize)
        var bytes = ByteBuffer()
        for try await var chunk in body {
            guard Int64(bytes.readableBytes + chunk.readableBytes) <= limit else {
                throw StorageError(.invalidRequest, "part \(part.number) is longer than stated", operation: operation)
            }
            bytes.writeBuffer(&chunk)
        }
        guard part.length == nil || part.length == Int64(bytes.readableBytes) else {
            throw StorageError(.invalidRequest, "part \(part.number) is shorter than stated", operation: operation)
        }
        return bytes
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        let operation = "local.read"
        let pieces = try state.withLock { state in
            guard state.phase == .open else { throw StorageError.uploadHasEnded(operation) }
            return state.pieces.values.sorted { $0.offset < $1.offset }
        }
        var chunks: [ByteBuffer] = []
        var position = range.offset
        for piece in pieces where piece.offset <= position && piece.end > position {
            let length = min(piece.end, range.end) - position
            let start = piece.bytes.readerIndex + Int(position - piece.offset)
            guard length > 0, let chunk = piece.bytes.getSlice(at: start, length: Int(length)) else { break }
            chunks.append(chunk)
            position += length
        }
        guard position == range.end else {
            throw StorageError(.invalidRequest, "the range was not written yet", operation: operation)
        }
        return ByteStream(chunks: chunks)
    }

    // MARK: End

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let operation = "local.complete"
        let (footer, info) = try store.describe(key, size: size, sha256: sha256, metadata, operation: operation)
        // All in one call on the thread, so that it runs to its end even if the task leaves.
        try await store.threads.run(operation, within: LocalStore.limits.idle) { try self.publish(footer, size: size, operation) }
        return info
    }

    private func publish(_ footer: ObjectFooter, size: Int64, _ operation: String) throws {
        let pieces = try state.withLock { state in
            guard state.phase == .open else { throw StorageError.uploadHasEnded(operation) }
            try WrittenParts.explaining(operation) { () throws(WrittenParts.Problem) in try state.parts.check(size: size) }
            state.phase = .completing
            return Array(state.pieces.values)
        }
        do {
            try makeObject(of: pieces, footer, size: size, operation)
            state.withLock { $0.end() }
        } catch {
            state.withLock { state in
                state.phase = .open
                if state.isAborted { state.end() }
            }
            guard var full = error as? StorageError, full.code == .full else { throw error }
            // Others of this size may come at the same time.
            full.missingBytes = max(full.missingBytes ?? 0, Self.maxSize)
            throw full
        }
    }

    private func makeObject(of pieces: [Piece], _ footer: ObjectFooter, size: Int64, _ operation: String) throws {
        let encoded = try footer.encoded(operation: operation)
        try store.checkSpace(for: size, operation: operation)
        let name = LocalUpload.randomName()
        let file = try store.directory.createUpload(name)
        do {
            for piece in pieces { try file.write(piece.bytes, at: piece.offset) }
            try file.write(encoded, at: size)
            try store.directory.publish(file, of: name, as: key) {
                // Callers that gave up on a hanging disk rely on this: the object must not appear long afterwards.
                if state.withLock({ $0.isAborted }) { throw StorageError.uploadHasEnded(operation) }
            }
        } catch {
            store.directory.removeUpload(name)
            throw error
        }
    }

    func abort() async {
        state.withLock { state in
            state.isAborted = true
            if state.phase == .open { state.end() }
        }
    }
}
