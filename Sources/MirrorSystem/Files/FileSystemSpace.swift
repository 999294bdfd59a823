import CLibrary

/// Bytes of a file system (statvfs(3)).
package struct FileSystemSpace: Sendable, Equatable {
    package let total: Int64
    /// Bytes that this user can still write.
    package let free: Int64

    package init(of path: String) throws(Errno) {
        var status = statvfs()
        try retryingInterrupts { statvfs(path, &status) }
        self.init(status)
    }

    init(of descriptor: CInt) throws(Errno) {
        var status = statvfs()
        try retryingInterrupts { fstatvfs(descriptor, &status) }
        self.init(status)
    }

    private init(_ status: statvfs) {
        func bytes(_ blocks: some BinaryInteger) -> Int64 {
            let (bytes, overflow) = UInt64(blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize))
            return overflow ? .max : Int64(clamping: bytes)
        }
        total = bytes(status.f_blocks)
        free = bytes(status.f_bavail)
    }
}
