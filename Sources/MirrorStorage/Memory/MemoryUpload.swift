import MirrorCore
import NIOCore
import Synchronization

/// An upload to a ``MemoryStore``: each part is kept as a whole until all of them are joined.
final class MemoryUpload: ObjectUpload {
    private struct Part {
        var offset: Int64
        var bytes: ByteBuffer
        var end: Int64 { offset + Int64(bytes.readableBytes) }
    }

    private struct State {
        var parts: [Int: Part] = [:]
        var isOpen = true
    }

    private let store: MemoryStore
    private let key: ObjectKey
    private let metadata: ObjectMetadata
    private let state = Mutex(State())

    init(store: MemoryStore, key: ObjectKey, metadata: ObjectMetadata) {
        self.store = store
        self.key = key
        self.metadata = metadata
    }

    deinit {
        discard()
    }

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard part.number >= 0, part.offset >= 0, (part.length ?? 0) >= 0 else {
            throw invalid("a part's numbers cannot be negative", "write")
        }
        try takePart(part.number)
        var bytes = ByteBuffer()
        do {
            for try await var chunk in body {
                let count = chunk.readableBytes
                guard Int64(bytes.readableBytes + count) <= part.length ?? store.capabilities.maxObjectSize else {
                    throw invalid("part \(part.number) is longer than stated", "write")
                }
                try store.reserve(count)
                bytes.writeBuffer(&chunk)
            }
            guard part.length == nil || part.length == Int64(bytes.readableBytes) else {
                throw invalid("part \(part.number) is shorter than stated", "write")
            }
            try state.withLock { state in
                guard state.isOpen else { throw invalid("the upload has already ended", "write") }
                guard state.parts[part.number] == nil else { throw invalid("part \(part.number) is written twice at once", "write") }
                state.parts[part.number] = Part(offset: part.offset, bytes: bytes)
            }
        } catch {
            store.release(bytes.readableBytes)
            throw error
        }
        return Int64(bytes.readableBytes)
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        let parts = state.withLock { $0.parts.values.sorted { $0.offset < $1.offset } }
        var bytes = ByteBuffer()
        var position = range.offset
        for part in parts where part.offset <= position && part.end > position {
            let length = min(part.end, range.end) - position
            guard length > 0, var slice = part.bytes.getSlice(at: part.bytes.readerIndex + Int(position - part.offset), length: Int(length))
            else { break }
            bytes.writeBuffer(&slice)
            position += length
        }
        guard position == range.end else { throw invalid("the range was not written yet", "read") }
        return ByteStream(bytes)
    }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let bytes = try state.withLock { state -> ByteBuffer in
            guard state.isOpen else { throw invalid("the upload has already ended", "complete") }
            var bytes = ByteBuffer()
            for part in state.parts.values.sorted(by: { ($0.offset, $0.end) < ($1.offset, $1.end) }) {
                guard part.offset == Int64(bytes.readableBytes) else { throw invalid("bytes are missing or written twice", "complete") }
                bytes.writeImmutableBuffer(part.bytes)
            }
            guard Int64(bytes.readableBytes) == size else {
                throw invalid("\(bytes.readableBytes) bytes were written instead of \(size)", "complete")
            }
            state.isOpen = false
            state.parts = [:]
            return bytes
        }
        return try store.publish(bytes, key: key, metadata: metadata, sha256: sha256, condition: condition)
    }

    func abort() async {
        discard()
    }

    private func discard() {
        let parts = state.withLock { state in
            defer { state = State(isOpen: false) }
            return state.parts
        }
        store.release(parts.values.reduce(0) { $0 + $1.bytes.readableBytes })
    }

    /// Discards an earlier attempt at the part.
    private func takePart(_ number: Int) throws {
        let earlier = try state.withLock { state in
            guard state.isOpen else { throw invalid("the upload has already ended", "write") }
            return state.parts.removeValue(forKey: number)
        }
        store.release(earlier?.bytes.readableBytes ?? 0)
    }

    private func invalid(_ message: String, _ call: String) -> StorageError {
        StorageError(.invalidRequest, message, operation: "memory.\(call)")
    }
}
