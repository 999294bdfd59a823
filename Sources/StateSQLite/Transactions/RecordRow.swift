import GRDB
import MirrorCore
import MirrorState

/// A ``ReplicaRecord`` as the columns of a row, in the order of ``columns``.
enum RecordRow {
    static let columns = """
        status, size, sha256, stored_at, last_used, marked_at, reason, origin_status, message, retry_at, \
        sequence, queued_at, due, attempts, token, worker, is_repeated, lane, unfinished, \
        etag, last_modified, content_type, content_encoding, content_disposition, wait
        """

    /// The number of columns.
    static let count = 25

    /// - Parameter offset: Where ``columns`` begin in the row.
    static func decode(_ row: Columns, of id: ReplicaID, from offset: Int = 0) throws(StateError) -> ReplicaRecord {
        switch row.integer(offset) {
        case Schema.pending:
            return ReplicaRecord(status: .pending, job: try job(row, offset + 10, unfinished: offset + 18, wait: offset + 24))
        case Schema.present:
            var object = try object(row, offset + 1, ObjectKey(id.artifact))
            object.representation = representation(row, offset + 19)
            return ReplicaRecord(status: .present(object))
        case Schema.error:
            return ReplicaRecord(status: .error(try failure(row, offset + 6)), errorLife: row.duration(offset + 24))
        case Schema.removing:
            guard let dueAt = row.time(offset + 12) else { throw damaged("removal") }
            let isRepeated = row.integer(offset + 16).map { $0 != 0 } ?? false
            let removal = RemovalJob(
                dueAt: dueAt, wait: row.duration(offset + 24), token: row.integer(offset + 14), isRepeated: isRepeated)
            return ReplicaRecord(status: .removing, removal: removal)
        default:
            throw damaged("status")
        }
    }

    static func encode(_ record: ReplicaRecord, of id: ReplicaID) -> [(any DatabaseValueConvertible)?] {
        var values = [(any DatabaseValueConvertible)?](repeating: nil, count: count)
        switch record.status {
        case .pending:
            values[0] = Schema.pending
            values[10] = record.job?.sequence
            values[11] = record.job?.queuedAt.milliseconds
            values[12] = record.job?.dueAt.milliseconds
            values[13] = record.job?.attempts
            values[14] = record.job?.token
            values[15] = record.job?.worker
            values[17] = record.job?.lane(of: id).description
            values[18] = record.job?.unfinished
            values[24] = record.job?.wait.wholeMilliseconds
        case .present(let object):
            values[0] = Schema.present
            values[1] = object.size
            values[2] = object.sha256?.hex
            values[3] = object.storedAt.milliseconds
            values[4] = object.lastUsed.milliseconds
            values[5] = object.markedAt?.milliseconds
            values[19] = object.representation?.etag
            values[20] = object.representation?.lastModified.milliseconds
            values[21] = object.representation?.contentType
            values[22] = object.representation?.contentEncoding
            values[23] = object.representation?.contentDisposition
        case .error(let failure):
            values[0] = Schema.error
            values[6] = failure.reason.word
            values[7] = failure.reason.originStatus
            values[8] = failure.message
            values[9] = failure.retryAt.milliseconds
            values[24] = record.errorLife.wholeMilliseconds
        case .removing:
            values[0] = Schema.removing
            values[12] = record.removal?.dueAt.milliseconds
            values[14] = record.removal?.token
            values[16] = record.removal?.isRepeated
            values[24] = record.removal?.wait.wholeMilliseconds
        case nil:
            break
        }
        return values
    }

    static func id(pool: String, url: String) throws(StateError) -> ReplicaID {
        guard let pool = PoolID(pool), let artifact = try? ArtifactURL(url), artifact.description == url else { throw damaged("name") }
        return ReplicaID(artifact: artifact, pool: pool)
    }

    // MARK: -

    private static func object(_ row: Columns, _ at: Int, _ key: ObjectKey) throws(StateError) -> StoredObject {
        guard let size = row.integer(at) else { throw damaged("size") }
        guard let storedAt = row.time(at + 2), let lastUsed = row.time(at + 3) else { throw damaged("times") }
        return StoredObject(
            key: key, size: size, sha256: row.text(at + 1).flatMap { Digest(.sha256, hex: $0) },
            storedAt: storedAt, lastUsed: lastUsed, markedAt: row.time(at + 4))
    }

    private static func representation(_ row: Columns, _ at: Int) -> Representation? {
        guard let etag = row.text(at), let lastModified = row.time(at + 1) else { return nil }
        return Representation(
            etag: etag, lastModified: lastModified, contentType: row.text(at + 2), contentEncoding: row.text(at + 3),
            contentDisposition: row.text(at + 4))
    }

    private static func failure(_ row: Columns, _ at: Int) throws(StateError) -> CopyFailure {
        guard let word = row.text(at), let message = row.text(at + 2), let retryAt = row.time(at + 3) else { throw damaged("failure") }
        // A newer version may know more reasons.
        let reason = CopyFailure.Reason(word: word, originStatus: row.integer(at + 1).map { Int($0) }) ?? .transfer
        return CopyFailure(reason: reason, message: message, retryAt: retryAt)
    }

    /// What attempts can be counted up to, far below where adding one traps.
    private static let counts: ClosedRange<Int64> = 0...1_000_000_000

    private static func job(_ row: Columns, _ at: Int, unfinished: Int, wait: Int) throws(StateError) -> CopyJob {
        guard let sequence = row.integer(at), let queuedAt = row.time(at + 1), let dueAt = row.time(at + 2),
            let attempts = row.integer(at + 3), counts.contains(attempts), let unfinished = row.integer(unfinished),
            counts.contains(unfinished)
        else { throw damaged("copy job") }
        return CopyJob(
            sequence: sequence, queuedAt: queuedAt, dueAt: dueAt, wait: row.duration(wait), attempts: Int(attempts),
            unfinished: Int(unfinished), token: row.integer(at + 4), worker: row.text(at + 5))
    }

    static func damaged(_ what: String) -> StateError {
        StateError(.corrupt, "a row of the state file holds no readable \(what); \(StateError.remedy)")
    }
}
