import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import Synchronization

extension GCSUpload {
    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        let parts = try change("complete") { state in try Self.inOrder(state.parts, size: size) }
        do {
            var complete = metadata
            complete.sha256 = sha256
            let info: ObjectInfo
            if let chunks = Self.held(parts) {
                info = try await store.put(chunks, at: key, complete, condition)
            } else {
                let object = try await assemble(parts)
                info = try await store.publish(object, at: key, complete, condition)
            }
            if let left = close() { await store.discard(left.temporary) }
            return info
        } catch let error as StorageError where error.code == .preconditionFailed {
            await abort()
            throw error
        }
    }

    /// The parts in order, without empty ones.
    private static func inOrder(_ parts: [Int: Written], size: Int64) throws -> [(number: Int, part: Written)] {
        let parts = parts.map { (number: $0.key, part: $0.value) }.filter { $0.part.length > 0 }.sorted { $0.number < $1.number }
        var end: Int64 = 0
        for (_, part) in parts {
            guard part.offset == end else { throw CloudErrors.gcs.invalid("bytes are missing or written twice", "complete") }
            if case .stored = part.content, parts.count > 1 {
                throw CloudErrors.gcs.invalid("nothing can follow a first part whose length was not stated", "complete")
            }
            end += part.length
        }
        guard end == size else { throw CloudErrors.gcs.invalid("\(end) bytes were written instead of \(size)", "complete") }
        return parts
    }

    /// The bytes, if the whole object is in memory.
    private static func held(_ parts: [(number: Int, part: Written)]) -> [ByteBuffer]? {
        if parts.isEmpty { return [] }
        guard parts.count == 1, case .held(let chunks) = parts[0].part.content else { return nil }
        return chunks
    }

    /// Combines everything that was sent into one object; only once.
    private func assemble(_ parts: [(number: Int, part: Written)]) async throws -> TemporaryObject {
        if let object = state.withLock({ $0.assembled }) { return object }
        var sent: [GCSMultipart.Part] = []
        for (number, part) in parts {
            switch part.content {
            case .stored(let object): return object
            case .sent(let part): sent.append(part)
            case .held(let chunks):
                sent.append(try await store.retries.run { _ in try await send(number, .bytes(chunks), part.length) })
            }
        }
        guard let begun = begun.current else { throw over("complete") }
        // From the first request on, the object may be there.
        try change("complete") { _ = $0.temporary.insert(begun.name) }
        let object = try await multipart.complete(begun.name, upload: begun.id, parts: sent)
        try change("complete") { $0.assembled = object }
        return object
    }
}
