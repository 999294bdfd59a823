import MirrorStorage

/// The errors of this module, made in one place.
enum S3Error {
    static func invalid(_ message: String, _ call: String) -> StorageError {
        StorageError(.invalidRequest, message, operation: "\(S3Provider.service).\(call)")
    }
}
