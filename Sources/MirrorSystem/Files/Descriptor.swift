import CLibrary

/// An open file or directory; closed when the last reference goes, so that nobody uses a number that means another file by then.
///
/// Names are single path components below a directory and symbolic links are never followed: nothing resolves to a place outside of it.
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

    /// How a path is opened (open(2)).
    package struct Options: OptionSet, Sendable {
        package let rawValue: CInt

        package init(rawValue: CInt) {
            self.rawValue = rawValue
        }

        package static let create = Options(rawValue: O_CREAT)
        /// With `create`: it must not be there yet.
        package static let exclusive = Options(rawValue: O_EXCL)
        /// Each write goes to the end of the file, whoever else writes to it.
        package static let append = Options(rawValue: O_APPEND)
        package static let truncate = Options(rawValue: O_TRUNC)
        package static let directory = Options(rawValue: O_DIRECTORY)
        /// The last component of the path must not be a link.
        package static let noFollow = Options(rawValue: O_NOFOLLOW)
        /// A pipe that somebody put there must not hang a thread.
        package static let nonBlocking = Options(rawValue: O_NONBLOCK)
        package static let noControllingTerminal = Options(rawValue: O_NOCTTY)
        #if os(Linux)
            /// In the directory at the path, a file without a name, which nobody can see (`O_TMPFILE`).
            package static let unnamed = Options(rawValue: 0o20_000_000 | O_DIRECTORY)
        #endif
    }

    /// Opens a path, following links in it. No program that this process starts inherits it.
    ///
    /// - Parameter mode: Of a file that is created.
    package convenience init(_ path: String, for access: Access, _ options: Options = [], mode: UInt16 = 0o600) throws(Errno) {
        let flags = access.flags | options.rawValue | O_CLOEXEC
        self.init(owning: try retryingInterrupts { systemOpen(path, flags, mode_t(mode)) })
    }

    /// A second number of the same open file, for whoever needs to own one.
    package static func duplicate(_ number: CInt) throws(Errno) -> CInt {
        try retryingInterrupts { fcntl(number, F_DUPFD_CLOEXEC, 0) }
    }

    package func duplicate() throws(Errno) -> CInt { try Self.duplicate(number) }

    package func status() throws(Errno) -> FileStatus { try FileStatus(of: number) }

    // MARK: Directories

    /// Opens the directory that an operator named, following links in its path.
    package convenience init(directory path: String) throws(Errno) {
        try self.init(path, for: .reading, .directory)
    }

    package func openDirectory(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDONLY | O_DIRECTORY)
    }

    /// Opens a file for reading. `O_NONBLOCK`: a pipe that somebody put there must not hang a thread.
    package func openFile(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDONLY | O_NONBLOCK)
    }

    /// Creates a file that must not be there yet, readable to this user only.
    package func createFile(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDWR | O_CREAT | O_EXCL)
    }

    /// Opens a file that is there, to change bytes in it.
    package func openFileForChanges(_ name: String) throws(Errno) -> Descriptor {
        try openEntry(name, O_RDWR | O_NONBLOCK)
    }

    /// Opens a file, creating it when missing.
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

    /// The names in the directory, in no order.
    package func entries() throws(Errno) -> [String] {
        // A descriptor of its own: the position in the directory belongs to the open file.
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

    /// - Returns: `false` when another open file holds the lock. It ends with this descriptor, also when the process is killed.
    package func lockExclusively() throws(Errno) -> Bool {
        do throws(Errno) {
            try retryingInterrupts { flock(number, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            guard error == .wouldBlock else { throw error }
            return false
        }
    }

    /// Ends the lock at once: closing alone leaves it to a child that is just being started, for as long as that has not begun its program.
    package func unlock() {
        _ = flock(number, LOCK_UN)
    }

    package func space() throws(Errno) -> FileSystemSpace { try FileSystemSpace(of: number) }

    /// Whether what is in the directory comes over a network, or from another process.
    package func isOnFileServer() throws(Errno) -> Bool {
        try LinuxCalls.fileSystemType(of: number).map(Self.isFileServer) ?? false
    }

    /// - Parameter type: Of a file system, as statfs(2) has it.
    package static func isFileServer(_ type: UInt32) -> Bool { fileServers.contains(type) }

    /// statfs(2): 9P, AFS (two), Ceph, CIFS, SMB 2, SMB, Coda, FUSE, GFS2, GPFS, Lustre, NFS, OCFS2.
    private static let fileServers: Set<UInt32> = [
        0x0102_1997, 0x5346_414F, 0x6B41_4653, 0x00C3_6400, 0xFF53_4D42, 0xFE53_4D42, 0x0000_517B, 0x7375_7245, 0x6573_5546,
        0x0116_1970, 0x4750_4653, 0x0BD0_0BD0, 0x0000_6969, 0x7461_636F,
    ]

    /// Whether the directory still has a place; one that was removed while it is open has none.
    package func hasPlace() throws(Errno) -> Bool { try status().links > 0 }

    // MARK: Files

    /// - Returns: `nil` for anything that is not a regular file.
    package func fileSize() throws(Errno) -> Int64? {
        let status = try status()
        return status.kind == .regular ? status.size : nil
    }

    /// Reads from a place in the file until `buffer` is full or the file ends.
    ///
    /// - Returns: Bytes read.
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

    /// Reads up to `count` bytes; fewer only where the file ends.
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

    /// Writes to what has no places, such as a pipe, or where the last such call ended.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(Errno) {
        if let error = writeAll(bytes, to: number).error { throw error }
    }

    package func append(_ bytes: [UInt8]) throws(Errno) {
        let error = bytes.withUnsafeBytes { writeAll($0, to: number).error }
        if let error { throw error }
    }

    /// Reads what is left, from where the last such call ended.
    ///
    /// - Returns: `nil` when that is more than `limit` bytes.
    package func rest(limit: Int) throws(Errno) -> [UInt8]? { try readAll(from: number, limit: limit) }

    package func setPermissions(_ permissions: UInt16) throws(Errno) {
        try retryingInterrupts { fchmod(number, mode_t(permissions)) }
    }

    package func truncate(to size: Int64) throws(Errno) {
        try retryingInterrupts { ftruncate(number, off_t(size)) }
    }

    /// Returns once the file, or a directory's entries, survive a crash of the machine.
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
