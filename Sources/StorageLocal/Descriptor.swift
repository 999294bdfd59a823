import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An open file or directory; closed when the last reference goes, so that nobody uses a number that means another file by then.
///
/// Names are single path components below a directory and symbolic links are never followed: nothing resolves to a place outside of it.
/// Every method blocks: call them on the thread pool (``FileThreads``). All throw ``Errno``.
final class Descriptor: Sendable {
    private let number: CInt

    private init(owning number: CInt) {
        self.number = number
    }

    deinit {
        close(number)
    }

    // MARK: Directories

    /// Opens the directory that an operator named, following links in its path.
    convenience init(directory path: String) throws {
        self.init(owning: try retryingInterrupts { openPath(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) })
    }

    func openDirectory(_ name: String) throws -> Descriptor {
        try openEntry(name, O_RDONLY | O_DIRECTORY)
    }

    /// Opens an object's file or an upload's. `O_NONBLOCK`: a pipe somebody put there must not hang a thread.
    func openFile(_ name: String) throws -> Descriptor {
        try openEntry(name, O_RDONLY | O_NONBLOCK)
    }

    /// Creates a file that must not be there yet, readable to this user only.
    func createFile(_ name: String) throws -> Descriptor {
        try openEntry(name, O_RDWR | O_CREAT | O_EXCL)
    }

    /// Opens a file, creating it when missing.
    func openOrCreateFile(_ name: String) throws -> Descriptor {
        try openEntry(name, O_RDWR | O_CREAT)
    }

    private func openEntry(_ name: String, _ flags: CInt) throws -> Descriptor {
        let name = try component(name)
        return Descriptor(owning: try retryingInterrupts { openBelow(number, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o600) })
    }

    /// - Returns: Whether it was missing.
    @discardableResult
    func makeDirectory(_ name: String) throws -> Bool {
        let name = try component(name)
        do {
            try retryingInterrupts { mkdirat(number, name, 0o700) }
            return true
        } catch let error as Errno where error.code == EEXIST {
            return false
        }
    }

    func remove(_ name: String) throws {
        let name = try component(name)
        try retryingInterrupts { unlinkat(number, name, 0) }
    }

    func removeDirectory(_ name: String) throws {
        let name = try component(name)
        try retryingInterrupts { unlinkat(number, name, CInt(AT_REMOVEDIR)) }
    }

    func rename(_ name: String, to directory: Descriptor, as newName: String) throws {
        let (name, newName) = (try component(name), try component(newName))
        try retryingInterrupts { renameat(number, name, directory.number, newName) }
    }

    /// The names in the directory, in no order.
    func entries() throws -> [String] {
        // A descriptor of its own: the position in the directory belongs to the open file.
        let copy = try retryingInterrupts { openBelow(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) }
        guard let stream = fdopendir(copy) else {
            let code = errno
            close(copy)
            throw Errno(code: code)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw Errno(code: errno) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { bytes in
                bytes.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: bytes.pointee)) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// - Returns: `false` when another open file holds the lock. It ends with this descriptor, also when the process is killed.
    func lockExclusively() throws -> Bool {
        do {
            try retryingInterrupts { flock(number, LOCK_EX | LOCK_NB) }
            return true
        } catch let error as Errno where error.code == EWOULDBLOCK {
            return false
        }
    }

    /// Bytes that the file system has in all, and that this user can still write to it.
    func space() throws -> (total: Int64, free: Int64) {
        var status = statvfs()
        try retryingInterrupts { fstatvfs(number, &status) }
        func bytes(_ blocks: some BinaryInteger) -> Int64 {
            let (bytes, overflow) = UInt64(blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize))
            return overflow ? .max : Int64(clamping: bytes)
        }
        return (bytes(status.f_blocks), bytes(status.f_bavail))
    }

    /// Whether what is in the directory comes over a network, or from another process.
    func isOnFileServer() throws -> Bool {
        try LinuxCalls.fileSystemType(of: number).map(Self.isFileServer) ?? false
    }

    /// - Parameter type: Of a file system, as statfs(2) has it.
    static func isFileServer(_ type: UInt32) -> Bool { fileServers.contains(type) }

    /// statfs(2): 9P, AFS (two), Ceph, CIFS, SMB 2, SMB, Coda, FUSE, GFS2, GPFS, Lustre, NFS, OCFS2.
    private static let fileServers: Set<UInt32> = [
        0x0102_1997, 0x5346_414F, 0x6B41_4653, 0x00C3_6400, 0xFF53_4D42, 0xFE53_4D42, 0x0000_517B, 0x7375_7245, 0x6573_5546,
        0x0116_1970, 0x4750_4653, 0x0BD0_0BD0, 0x0000_6969, 0x7461_636F,
    ]

    /// Whether the directory still has a place; one that was removed while it is open has none.
    func hasPlace() throws -> Bool {
        var status = stat()
        try retryingInterrupts { fstat(number, &status) }
        return status.st_nlink > 0
    }

    // MARK: Files

    /// - Returns: `nil` for anything that is no regular file.
    func fileSize() throws -> Int64? {
        var status = stat()
        try retryingInterrupts { fstat(number, &status) }
        return status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
    }

    /// Reads up to `count` bytes; fewer only where the file ends.
    func read(_ count: Int, at offset: Int64) throws -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        while buffer.readableBytes < count {
            let wanted = count - buffer.readableBytes
            let position = off_t(offset + Int64(buffer.readableBytes))
            let got = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { space in
                try retryingInterrupts { pread(number, space.baseAddress, wanted, position) }
            }
            if got == 0 { break }
        }
        return buffer
    }

    func write(_ buffer: ByteBuffer, at offset: Int64) throws {
        try buffer.withUnsafeReadableBytes { bytes in
            var done = 0
            while done < bytes.count {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
                done += try retryingInterrupts { pwrite(number, rest.baseAddress, rest.count, off_t(offset + Int64(done))) }
            }
        }
    }

    func truncate(to size: Int64) throws {
        try retryingInterrupts { ftruncate(number, off_t(size)) }
    }

    /// Returns once the file, or a directory's entries, survive a crash of the machine.
    func sync() throws {
        try retryingInterrupts { fsync(number) }
    }

    func startWriteBack(offset: Int64, length: Int64) {
        LinuxCalls.startWriteBack(number, offset: offset, length: length)
    }

    func reserveBlocks(offset: Int64, length: Int64) throws {
        try LinuxCalls.reserveBlocks(number, offset: offset, length: length)
    }

    /// A second descriptor of the same open file, for whoever needs to own one.
    func duplicate() throws -> CInt {
        try retryingInterrupts { fcntl(number, F_DUPFD_CLOEXEC, 0) }
    }

    private func component(_ name: String) throws -> String {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) else {
            throw Errno(code: EINVAL)
        }
        return name
    }
}

// `open` and `openat` under names that the methods above do not hide.
private func openPath(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt { open(path, flags, mode) }
private func openBelow(_ directory: CInt, _ name: String, _ flags: CInt, _ mode: mode_t) -> CInt { openat(directory, name, flags, mode) }
