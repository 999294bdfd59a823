import GRDB
import MirrorCore
import MirrorState

/// A ``ReplicaRecord`` as the columns of a row, in the order of ``columns``.
enum RecordRow {
    static let columns = """
        status, key, size, sha256, stored_at, last_used, marked_at, reason, origin_status, message, retry_at, \
        sequence, queued_at, due, attempts, token, worker, removal_began, lane, unfinished, \
        etag, last_modified, content_type, content_encoding, content_disposition
        """

    /// How many there are.
    static let count = 25

    /// Columns are read as values of whatever type they have, never by a cast that traps: a damaged file must not end the process.
    ///
    /// - Parameter offset: Where ``columns`` begin in the row.
    static func decode(_ row: Row, from offset: Int = 0) throws(StateError) -> ReplicaRecord {
        switch row.integer(offset) {
        case Schema.pending:
            return ReplicaRecord(status: .pending, job: try job(row, offset + 11, unfinished: offset + 19))
        case Schema.present:
            var object = try object(row, offset + 1)
            object.representation = representation(row, offset + 20)
            return ReplicaRecord(status: .present(object), job: nil)
        case Schema.error:
            return ReplicaRecord(status: .error(try failure(row, offset + 7)), job: nil)
        case Schema.removing:
            guard let began = row.time(offset + 17) else { throw damaged("removal_began") }
            return ReplicaRecord(status: .removing, job: nil, removalBegan: began)
        default:
            throw damaged("status")
        }
    }

    static func encode(_ record: ReplicaRecord, of id: ReplicaID) -> [(any DatabaseValueConvertible)?] {
        var values = [(any DatabaseValueConvertible)?](repeating: nil, count: count)
        switch record.status {
        case .pending:
            values[0] = Schema.pending
            values[11] = record.job?.sequence
            values[12] = record.job?.queuedAt.milliseconds
            values[13] = record.job?.dueAt.milliseconds
            values[14] = record.job?.attempts
            values[15] = record.job?.token
            values[16] = record.job?.worker
            values[18] = record.job?.lane(of: id).description
            values[19] = record.job?.unfinished
        case .present(let object):
            values[0] = Schema.present
            values[1] = object.key.description
            values[2] = object.size
            values[3] = object.sha256?.hex
            values[4] = object.storedAt.milliseconds
            values[5] = object.lastUsed.milliseconds
            values[6] = object.markedAt?.milliseconds
            values[20] = object.representation?.etag
            values[21] = object.representation?.lastModified.milliseconds
            values[22] = object.representation?.contentType
            values[23] = object.representation?.contentEncoding
            values[24] = object.representation?.contentDisposition
        case .error(let failure):
            values[0] = Schema.error
            let (word, status) = encode(failure.reason)
            values[7] = word
            values[8] = status
            values[9] = failure.message
            values[10] = failure.retryAt.milliseconds
        case .removing:
            values[0] = Schema.removing
            values[17] = record.removalBegan?.milliseconds
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

    private static func object(_ row: Row, _ at: Int) throws(StateError) -> StoredObject {
        guard let key = row.text(at).flatMap({ ObjectKey($0) }) else { throw damaged("key") }
        guard let size = row.integer(at + 1) else { throw damaged("size") }
        guard let storedAt = row.time(at + 3), let lastUsed = row.time(at + 4) else { throw damaged("times") }
        return StoredObject(
            key: key, size: size, sha256: row.text(at + 2).flatMap { Digest(.sha256, hex: $0) },
            storedAt: storedAt, lastUsed: lastUsed, markedAt: row.time(at + 5))
    }

    private static func representation(_ row: Row, _ at: Int) -> Representation? {
        guard let etag = row.text(at), let lastModified = row.time(at + 1) else { return nil }
        return Representation(
            etag: etag, lastModified: lastModified, contentType: row.text(at + 2), contentEncoding: row.text(at + 3),
            contentDisposition: row.text(at + 4))
    }

    private static func failure(_ row: Row, _ at: Int) throws(StateError) -> CopyFailure {
        guard let word = row.text(at), let message = row.text(at + 2), let retryAt = row.time(at + 3) else { throw damaged("failure") }
        let reason: CopyFailure.Reason
        switch word {
        case "origin":
            guard let status = row.integer(at + 1) else { throw damaged("origin_status") }
            reason = .origin(status: Int(status))
        case "refused": reason = .refused
        case "redirect": reason = .redirect
        case "content": reason = .content
        case "transfer": reason = .transfer
        case "tooLarge": reason = .tooLarge
        case "storage": reason = .storage
        case "noRoom": reason = .noRoom
        case "unfinished": reason = .unfinished
        default: throw damaged("reason")
        }
        return CopyFailure(reason: reason, message: message, retryAt: retryAt)
    }

    private static func encode(_ reason: CopyFailure.Reason) -> (word: String, status: Int?) {
        switch reason {
        case .origin(let status): ("origin", status)
        case .refused: ("refused", nil)
        case .redirect: ("redirect", nil)
        case .content: ("content", nil)
        case .transfer: ("transfer", nil)
        case .tooLarge: ("tooLarge", nil)
        case .storage: ("storage", nil)
        case .noRoom: ("noRoom", nil)
        case .unfinished: ("unfinished", nil)
        }
    }

    private static func job(_ row: Row, _ at: Int, unfinished: Int) throws(StateError) -> CopyJob {
        guard let sequence = row.integer(at), let queuedAt = row.time(at + 1), let dueAt = row.time(at + 2),
            let attempts = row.integer(at + 3), let unfinished = row.integer(unfinished)
        else { throw damaged("copy job") }
        return CopyJob(
            sequence: sequence, queuedAt: queuedAt, dueAt: dueAt, attempts: Int(attempts), unfinished: Int(unfinished),
            token: row.integer(at + 4), worker: row.text(at + 5))
    }

    static func damaged(_ what: String) -> StateError {
        StateError(.corrupt, "a row of the state file holds no readable \(what); \(StateError.remedy)")
    }
}

extension Row {
    func integer(_ column: Int) -> Int64? {
        guard case .int64(let value) = value(column).storage else { return nil }
        return value
    }

    func text(_ column: Int) -> String? {
        guard case .string(let value) = value(column).storage else { return nil }
        return value
    }

    func time(_ column: Int) -> Timestamp? { integer(column).map { Timestamp(milliseconds: $0) } }

    /// Four columns: objects, bytes, pending, errors.
    func totals(from column: Int) -> PoolTotals? {
        guard let objects = integer(column), let bytes = integer(column + 1), let pending = integer(column + 2),
            let errors = integer(column + 3)
        else { return nil }
        return PoolTotals(objects: Int(objects), bytes: bytes, pending: Int(pending), errors: Int(errors))
    }

    private func value(_ column: Int) -> DatabaseValue { self[column] as DatabaseValue }
}
