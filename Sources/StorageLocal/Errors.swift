import MirrorStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension StorageError {
    /// What an error number means to a caller of the store.
    init(_ errno: Errno, operation: String) {
        let code: Code =
            switch errno.code {
            case ENOENT: .notFound
            case ENOSPC, EDQUOT: .full
            // ELOOP, ENOTDIR, EISDIR: something that the store did not make is in an object's place; only an operator can help.
            case EACCES, EPERM, EROFS, ELOOP, ENOTDIR, EISDIR: .permissionDenied
            case EINVAL, EFBIG, ENAMETOOLONG: .invalidRequest
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
}
