import MirrorStorage
import MirrorSystem

extension StorageError {
    /// Translates an error number for the store's callers.
    init(_ errno: Errno, operation: String) {
        let code: Code =
            switch errno {
            case .noSuchFileOrDirectory: .notFound
            case .noSpace, .diskQuotaExceeded: .full
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: .permissionDenied
            // Something that the store did not create is in an object's place; only an operator can help.
            case .tooManySymbolicLinkLevels, .notDirectory, .isDirectory: .permissionDenied
            case .invalidArgument, .fileTooLarge, .fileNameTooLong: .invalidRequest
            default: .unavailable
            }
        let message =
            switch code {
            case .full: "the pool's file system is full (\(errno)); free space or shorten the retention"
            case .notFound: "no such object"
            default: "\(errno)"
            }
        self.init(code, message, operation: operation)
    }

    static func uploadHasEnded(_ operation: String) -> StorageError {
        StorageError(.invalidRequest, "the upload has already ended", operation: operation)
    }
}
