import MirrorCore
import MirrorState
import RedisClient

/// A replica as the fields of a hash.
///
/// They do not include the object's key, which follows from the artifact: without it the hash is small enough for Redis to keep it packed. For the
/// same reason the artifact's URL is split into several fields, which scripts join.
/// Unknown fields are ignored: a newer version of the program may write some.
struct RecordFields {
    /// In bytes: the largest number that is exact in a script.
    private static let maxSize: Int64 = 1 << 53

    private var values: [String: String] = [:]
    private let isEmpty: Bool

    /// - Parameter words: Alternately names and values.
    init(_ words: some Sequence<RedisValue>) {
        self.init(texts: words.map(\.string))
    }

    /// - Parameter texts: Alternately names and values; `nil` for what cannot be read.
    init(texts: [String?]) {
        isEmpty = texts.isEmpty
        for position in stride(from: 0, to: texts.count - 1, by: 2) {
            if let name = texts[position], let value = texts[position + 1] { values[name] = value }
        }
    }

    /// - Parameter lastUse: The score of a present replica, which is where uses are recorded; null keeps the record's own value.
    init(_ words: [RedisValue], lastUse: RedisValue) {
        self.init(words)
        if values["status"] == "present", case .double(let score) = lastUse, score.magnitude < 0x1p53 {
            values["last_used"] = "\(Int64(score))"
        }
    }

    // MARK: Reading

    /// The artifact's URL, if a script has joined it.
    var url: String? { values["url"] }

    /// - Parameter now: Moves times in the future, recorded before the clock was set back, closer; `nil` leaves times as they are.
    /// - Returns: `nil` if there are no fields: the replica is absent.
    /// - Throws: ``StateError/Code/corrupt``.
    func replica(_ id: ReplicaID, at now: Timestamp? = nil) throws(StateError) -> Replica? {
        guard !isEmpty else { return nil }
        switch values["status"] {
        case "pending": return Replica(id: id, status: .pending)
        case "present": return Replica(id: id, status: .present(try object(id)))
        case "error": return Replica(id: id, status: .error(try failure(id, at: now)))
        case "removing": return Replica(id: id, status: .removing)
        default: throw damaged("status", id)
        }
    }

    private func object(_ id: ReplicaID) throws(StateError) -> StoredObject {
        guard let size = values["size"].flatMap({ Int64($0) }), (0...Self.maxSize).contains(size) else { throw damaged("size", id) }
        guard let storedAt = time("stored_at"), let lastUsed = time("last_used") else { throw damaged("times", id) }
        return StoredObject(
            key: ObjectKey(id.artifact), size: size, sha256: values["sha256"].flatMap { Digest(.sha256, hex: $0) }, storedAt: storedAt,
            lastUsed: lastUsed,
            markedAt: time("marked_at"), representation: representation)
    }

    private var representation: Representation? {
        guard let etag = values["etag"], let lastModified = time("last_modified") else { return nil }
        return Representation(
            etag: etag, lastModified: lastModified, contentType: values["content_type"], contentEncoding: values["content_encoding"],
            contentDisposition: values["content_disposition"])
    }

    private func failure(_ id: ReplicaID, at now: Timestamp?) throws(StateError) -> CopyFailure {
        guard let message = values["message"], var retryAt = time("retry_at") else { throw damaged("failure", id) }
        if let now, let wait = time("wait") { retryAt = min(retryAt, now + .milliseconds(wait.milliseconds)) }
        let (word, status) = (values["reason"] ?? "", values["origin_status"].flatMap { Int($0) })
        if word == "origin", status == nil { throw damaged("origin_status", id) }
        // A newer version may write other reasons.
        let reason = CopyFailure.Reason(word: word, originStatus: status) ?? .transfer
        return CopyFailure(reason: reason, message: message, retryAt: retryAt)
    }

    private func time(_ name: String) -> Timestamp? {
        values[name].flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
    }

    private func damaged(_ what: String, _ id: ReplicaID) -> StateError {
        StateError(.corrupt, "the record of \(id) in Redis holds no readable \(what); \(StateError.remedy)")
    }

    // MARK: Writing

    static func words(_ object: StoredObject) -> [RedisWord] {
        var words: [RedisWord] = [
            "status", "present", "size", .integer(object.size),
            "stored_at", .integer(object.storedAt.milliseconds), "last_used", .integer(object.lastUsed.milliseconds),
        ]
        if let digest = object.sha256 { words += ["sha256", .text(digest.hex)] }
        if let markedAt = object.markedAt { words += ["marked_at", .integer(markedAt.milliseconds)] }
        return words + (object.representation.map(Self.words) ?? [])
    }

    private static func words(_ representation: Representation) -> [RedisWord] {
        var words: [RedisWord] = ["etag", .text(representation.etag), "last_modified", .integer(representation.lastModified.milliseconds)]
        if let type = representation.contentType { words += ["content_type", .text(type)] }
        if let encoding = representation.contentEncoding { words += ["content_encoding", .text(encoding)] }
        if let disposition = representation.contentDisposition { words += ["content_disposition", .text(disposition)] }
        return words
    }

    /// With the length of the wait instead of its end: scripts add it to the server's time.
    ///
    /// - Parameter now: By the same clock as `failure.retryAt`.
    static func words(_ failure: CopyFailure, at now: Timestamp) -> [RedisWord] {
        let failure = failure.shortened
        var words: [RedisWord] = [
            "status", "error", "message", .text(failure.message), "wait", RedisStateStore.milliseconds(now.duration(to: failure.retryAt)),
            "reason", .text(failure.reason.word),
        ]
        if let status = failure.reason.originStatus { words += ["origin_status", .integer(Int64(status))] }
        return words
    }
}
