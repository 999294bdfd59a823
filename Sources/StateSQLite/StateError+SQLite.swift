import GRDB
import MirrorState

extension StateError {
    /// What to do about an unusable file, for the end of a message.
    static let remedy =
        "the state is only a cache of what the pools hold: move the file away, or delete it with its -wal and -shm, and start again"

    /// - Parameter doing: What failed, for the beginning of the message. SQLite's own message contains no values.
    init(_ error: any Error, _ doing: String) {
        switch error {
        case let error as StateError:
            self = error
        case let error as DatabaseError:
            let text = error.message ?? "result code \(error.resultCode.rawValue)"
            switch error.extendedResultCode {
            // Nothing that is written lacks a value or has the wrong type, unless it was read from the file.
            case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_MISMATCH, .SQLITE_FORMAT, .SQLITE_CONSTRAINT_NOTNULL,
                .SQLITE_CONSTRAINT_DATATYPE:
                self.init(.corrupt, "\(doing): \(text); \(Self.remedy)", cause: error)
            default:
                self.init(.unavailable, "\(doing): \(text)", cause: error)
            }
        default:
            self.init(.unavailable, "\(doing): \(error)", cause: error)
        }
    }
}
