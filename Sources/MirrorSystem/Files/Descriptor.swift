import CLibrary

/// An open file or directory. It is closed with the last reference, so that its number cannot be used for another file that was opened later.
///
/// Names are single path components below a directory, and symbolic links are not followed, so nothing resolves to a place outside it.
/// Every method blocks.
package final class Descriptor: Sendable {
    private let number: CInt

    /// Takes over an open descriptor.
    package init(owning number: CInt) {
        self.number = number
    }

    deinit {
        close(number)
    }

    package enum Access: Sendable {
        case reading, writing, readingAndWriting

        fileprivate var flags: CInt {
            switch self {
            case .reading: O_RDONLY
            case .writing: O_WRONLY
            case .readingAndWriting: O_RDWR
            }
        }
    }

    /// How to open a path (open(2)).
    package struct Options: OptionSet, Sendable {
        package let rawValue: CInt

        package init(rawValue: CInt) {
            self.rawValue = rawValue
        }

        package static let create = Options(rawValue: O_CREAT)
        /// With `create`: the file must not exist.
        package static let exclusive = Options(rawValue: O_EXCL)
        /// Each write goes to the end of the file, whoever else writes to it.
        package static let append = Options(rawValue: O_APPEND)
        package static let truncate = Options(rawValue: O_TRUNC)
        package static let directory = Options(rawValue: O_DIRECTORY)
        /// The path's last component must not be a link.
        package static let noFollow = Options(rawValue: O_NOFOLLOW)
        /// Opening a pipe must not block.
        package static let nonBlocking = Options(rawValue: O_NONBLOCK)
        package static let noControllingTerminal = Options(rawValue: O_NOCTTY)
        #if os(Linux)
            /// An unnamed file in the directory at the path, which nobody else can see (`O_TMPFILE`).
            package static let unnamed = Options(rawValue: 0o20_000_000 | O_DIRECTORY)
        #endif
    }

    /// Opens a path, following links in it. Programs that this process starts do not inherit it.
    ///
    /// - Parameter mode: The permissions of a file that is created.
    package convenience init(_ path: String, for access: Access, _ options: Options = [], mode: UInt16 = 0o600) throws(Errno) {
        let flags = access.flags | options.rawValue | O_CLOEXEC
        self.init(owning: try retryingInterrupts { systemOpen(path, flags, mode_t(mode)) })
    }

    /// Another descriptor number for the same open file, for an owner that needs its own.
    package static func duplicate(_ number: CInt) throws(Errno) -> CInt {
        try retryingInterrupts { fcntl(number, F_DUPFD_CLOEXEC, 0) }
    }

    package func duplicate() throws(Errno) -> CInt { try Self.duplicate(number) }

    package func status() throws(Errno) -> FileStatus { try FileStatus(of: number) }

    // MARK: Directories

    /// Opens a directory that an operator named, following links in its path.
    package convenience init(directory path: String) throws(Errno) {
        try self.init(path, for: .reading, .directory)
    }

    package func openDirectory(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDONLY | O_DIRECTORY)
    }

    /// Opens a file for reading. `O_NONBLOCK`, so that opening a pipe does not block.
    package func openFile(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDONLY | O_NONBLOCK)
    }

    /// Creates a file, readable only by this user; it must not exist yet.
    package func createFile(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDWR | O_CREAT | O_EXCL)
    }

    /// Opens an existing file, to change bytes in it.
    package func openFileForChanges(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDWR | O_NONBLOCK)
    }

    /// Opens a file, and creates it if it is missing.
    package func openOrCreateFile(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDWR | O_CREAT)
    }

    private func openEntry(_ name: String, _ flags: CInt) throws(Errno) -> Descriptor {
        let name = try component(name)
        return Descriptor(owning: try retryingInterrupts { systemOpenAt(number, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o600) })
    }

    /// - Returns: Whether it was missing.
    @discardableResult
    package func makeDirectory(_ name: String) throws(Errno) -> Bool {
        let name = try component(name)
        do throws(Errno) {
            try retryingInterrupts { mkdirat(number, name, 0o700) }
            return true
        } catch {
            guard error == .fileExists else { throw error }
            return false
        }
    }

    package func remove(_ name: String) throws(Errno) {
        let name = try component(name)
        try retryingInterrupts { unlinkat(number, name, 0) }
    }

    package func removeDirectory(_ name: String) throws(Errno) {
        let name = try component(name)
        try retryingInterrupts { unlinkat(number, name, CInt(AT_REMOVEDIR)) }
    }

    package func rename(_ name: String, to directory: Descriptor, as newName: String) throws(Errno) {
        let (name, newName) = (try component(name), try component(newName))
        try retryingInterrupts { renameat(number, name, directory.number, newName) }
    }

    /// The names in the directory, in no particular order.
    package func entries() throws(Errno) -> [String] {
        // A separate descriptor, because the position in the directory belongs to the open file.
        let copy = try retryingInterrupts { systemOpenAt(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) }
        guard let stream = fdopendir(copy) else {
            let error = Errno.last
            close(copy)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { throw .last }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { bytes in
                bytes.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: bytes.pointee)) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    /// - Returns: `false` if another open file holds the lock. The lock ends with this descriptor, even if the process is killed.
    package func lockExclusively() throws(Errno) -> Bool {
        do throws(Errno) {
            try retryingInterrupts { flock(number, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            guard error == .wouldBlock else { throw error }
            return false
        }
    }

    /// Releases the lock at once. Closing alone would leave it with a child process that is being started, until that runs its program.
    package func unlock() {
        _ = flock(number, LOCK_UN)
    }

    package func space() throws(Errno) -> FileSystemSpace { try FileSystemSpace(of: number) }

    /// Whether the directory's files come over a network, or from another process.
    package func isOnFileServer() throws(Errno) -> Bool {
        try LinuxCalls.fileSystemType(of: number).map(Self.isFileServer) ?? false
    }

    /// - Parameter type: The type of a file system, as returned by statfs(2).
    package static func isFileServer(_ type: UInt32) -> Bool { fileServers.contains(type) }

    /// statfs(2): 9P, AFS (two), Ceph, CIFS, SMB 2, SMB, Coda, FUSE, GFS2, GPFS, Lustre, NFS, OCFS2.
    private static let fileServers: Set<UInt32> = [
        0x0102_1997, 0x5346_414F, 0x6B41_4653, 0x00C3_6400, 0xFF53_4D42, 0xFE53_4D42, 0x0000_517B, 0x7375_7245, 0x6573_5546,
        0x0116_1970, 0x4750_4653, 0x0BD0_0BD0, 0x0000_6969, 0x7461_636F,
    ]

    /// Whether the directory is still in the file system; `false` if it was removed while open.
    package func hasPlace() throws(Errno) -> Bool { try status().links > 0 }

    // MARK: Files

    /// - Returns: `nil` for anything that is not a regular file.
    package func fileSize() throws(Errno) -> Int64? {
        let status = try status()
        return status.kind == .regular ? status.size : nil
    }

    /// Reads from an offset until `buffer` is full or the file ends.
    ///
    /// - Returns: The number of bytes read.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Errno) -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try retryingInterrupts { pread(number, rest.baseAddress, rest.count, off_t(offset + Int64(done))) }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Reads up to `count` bytes; fewer only at the end of the file.
    package func bytes(_ count: Int, at offset: Int64) throws(Errno) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: Errno?
        let got = bytes.withUnsafeMutableBytes { buffer -> Int in
            do throws(Errno) {
                return try read(into: buffer, at: offset)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        bytes.removeLast(count - got)
        return bytes
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Errno) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try retryingInterrupts { pwrite(number, rest.baseAddress, rest.count, off_t(offset + Int64(done))) }
        }
    }

    /// Writes to something without positions, such as a pipe, or where the previous call ended.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        if let error = writeAll(bytes, to: number).error { throw error }
    }

    package func append(_ bytes: [UInt8]) throws(Errno) {
        let error = bytes.withUnsafeBytes { writeAll($0, to: number).error }
        if let error { throw error }
    }

    /// Reads the remaining bytes, from where the previous call ended.
    ///
    /// - Returns: `nil` if there are more than `limit` bytes.
    package func rest(limit: Int) throws(Errno) -> [UInt8]? { try readAll(from: number, limit: limit) }

    package func setPermissions(_ permissions: UInt16) throws(Errno) {
        try retryingInterrupts { fchmod(number, mode_t(permissions)) }
    }

    package func truncate(to size: Int64) throws(Errno) {
        try retryingInterrupts { ftruncate(number, off_t(size)) }
    }

    /// Returns when the file, or a directory's entries, will survive a crash of the machine.
    package func sync() throws(Errno) {
        try retryingInterrupts { fsync(number) }
    }

    package func startWriteBack(offset: Int64, length: Int64) {
        LinuxCalls.startWriteBack(number, offset: offset, length: length)
    }

    package func reserveBlocks(offset: Int64, length: Int64) throws(Errno) {
        try LinuxCalls.reserveBlocks(number, offset: offset, length: length)
    }

    private func component(_ name: String) throws(Errno) -> String {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) else {
            throw .invalidArgument
        }
        return name
    }
}
