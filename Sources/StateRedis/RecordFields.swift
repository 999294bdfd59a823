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

    /// Alternately names and values.
    private let words: [RedisValue]
    /// In milliseconds; `nil` if the record's own value counts.
    private var lastUse: Int64?

    /// - Parameter words: Alternately names and values.
    init(_ words: some Sequence<RedisValue>) {
        self.words = Array(words)
    }

    /// - Parameter lastUse: The score of a present replica, which is where uses are recorded; null keeps the record's own value.
    init(_ words: [RedisValue], lastUse: RedisValue) {
        self.words = words
        if case .double(let score) = lastUse, score.magnitude < 0x1p53 { self.lastUse = Int64(score) }
    }

    // MARK: Reading

    /// The artifact's URL, if a script has joined it.
    var url: String? { text("url") }

    /// - Parameter hash: The artifact's `nameHash`, if it is known already; otherwise it is computed.
    /// - Parameter now: Moves times in the future, recorded before the clock was set back, closer; `nil` leaves times as they are.
    /// - Returns: `nil` if there are no fields: the replica is absent.
    /// - Throws: ``StateError/Code/corrupt``.
    func replica(_ id: ReplicaID, hash: String? = nil, at now: Timestamp? = nil) throws(StateError) -> Replica? {
        guard !words.isEmpty else { return nil }
        guard let status = value("status") else { throw damaged("status", id) }
        // The most frequent first.
        if status.isText("present") { return Replica(id: id, status: .present(try object(id, hash ?? id.artifact.nameHash))) }
        if status.isText("pending") { return Replica(id: id, status: .pending) }
        if status.isText("error") { return Replica(id: id, status: .error(try failure(id, at: now))) }
        if status.isText("removing") { return Replica(id: id, status: .removing) }
        throw damaged("status", id)
    }

    private func object(_ id: ReplicaID, _ hash: String) throws(StateError) -> StoredObject {
        guard let size = integer("size"), (0...Self.maxSize).contains(size) else { throw damaged("size", id) }
        guard let storedAt = time("stored_at"), let lastUsed = lastUse.map({ Timestamp(milliseconds: $0) }) ?? time("last_used") else {
            throw damaged("times", id)
        }
        return StoredObject(
            key: ObjectKey(id.artifact, hash: hash), size: size, sha256: text("sha256").flatMap { Digest(.sha256, hex: $0) },
            storedAt: storedAt, lastUsed: lastUsed, markedAt: time("marked_at"), representation: representation)
    }

    private var representation: Representation? {
        guard let etag = text("etag"), let lastModified = time("last_modified") else { return nil }
        return Representation(
            etag: etag, lastModified: lastModified, contentType: text("content_type"), contentEncoding: text("content_encoding"),
            contentDisposition: text("content_disposition"))
    }

    private func failure(_ id: ReplicaID, at now: Timestamp?) throws(StateError) -> CopyFailure {
        guard let message = text("message"), var retryAt = time("retry_at") else { throw damaged("failure", id) }
        if let now, let wait = time("wait") { retryAt = min(retryAt, now + .milliseconds(wait.milliseconds)) }
        let (word, status) = (text("reason") ?? "", integer("origin_status").flatMap { Int(exactly: $0) })
        if word == "origin", status == nil { throw damaged("origin_status", id) }
        // A newer version may write other reasons.
        let reason = CopyFailure.Reason(word: word, originStatus: status) ?? .transfer
        return CopyFailure(reason: reason, message: message, retryAt: retryAt)
    }

    private func text(_ name: StaticString) -> String? { value(name)?.string }

    private func integer(_ name: StaticString) -> Int64? { value(name)?.integer }

    private func time(_ name: StaticString) -> Timestamp? { integer(name).map { Timestamp(milliseconds: $0) } }

    /// Looks through all names: there are about ten, and a table of them would cost more than it saves.
    private func value(_ name: StaticString) -> RedisValue? {
        for position in stride(from: 0, to: words.count - 1, by: 2) where words[position].isText(name) { return words[position + 1] }
        return nil
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
