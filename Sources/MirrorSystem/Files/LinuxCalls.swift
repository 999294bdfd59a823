import CLibrary

/// Linux calls that the C library declares only for GNU sources, so that Swift does not import them. Looked up by name, and skipped if missing.
enum LinuxCalls {
    #if os(Linux)
        private typealias SyncFileRange = @convention(c) (CInt, Int64, Int64, CUnsignedInt) -> CInt
        private typealias Fallocate = @convention(c) (CInt, CInt, Int64, Int64) -> CInt
        private typealias StatFS = @convention(c) (CInt, UnsafeMutableRawPointer) -> CInt

        private static let syncFileRange = dlsym(nil, "sync_file_range").map { unsafeBitCast($0, to: SyncFileRange.self) }
        private static let fallocate = dlsym(nil, "fallocate").map { unsafeBitCast($0, to: Fallocate.self) }
        private static let fstatfs = dlsym(nil, "fstatfs").map { unsafeBitCast($0, to: StatFS.self) }
    #endif

    /// Starts writing dirty pages to the disk without waiting for them (`SYNC_FILE_RANGE_WRITE`, sync_file_range(2)).
    ///
    /// Only a hint: the `fsync` that makes an object durable comes later and reports errors.
    static func startWriteBack(_ descriptor: CInt, offset: Int64, length: Int64) {
        #if os(Linux)
            _ = syncFileRange?(descriptor, offset, length, 2)
        #endif
    }

    /// The type of the file system that an open file is on (statfs(2)); `nil` if there is no such call.
    static func fileSystemType(of descriptor: CInt) throws(Errno) -> UInt32? {
        #if os(Linux)
            guard let fstatfs else { return nil }
            // At least as large as `struct statfs`, whose first field is the type, a word.
            var status = [Int](repeating: 0, count: 64)
            try retryingInterrupts { status.withUnsafeMutableBytes { $0.baseAddress.map { fstatfs(descriptor, $0) } ?? 0 } }
            return UInt32(truncatingIfNeeded: status[0])
        #else
            return nil
        #endif
    }

    /// Reserves blocks without changing the file's size (`FALLOC_FL_KEEP_SIZE`, fallocate(2)); does nothing if the file system does not support it.
    static func reserveBlocks(_ descriptor: CInt, offset: Int64, length: Int64) throws(Errno) {
        #if os(Linux)
            guard let fallocate, length > 0 else { return }
            do throws(Errno) {
                try retryingInterrupts { fallocate(descriptor, 1, offset, length) }
            } catch {
                guard error == .notSupported || error == .notImplemented else { throw error }
            }
        #endif
    }
}
