import CLibrary

/// The status of a path or an open file (stat(2)).
package struct FileStatus: Sendable, Equatable {
    package enum Kind: Sendable {
        case regular, directory, link, socket, other
    }

    package let kind: Kind
    /// Bytes.
    package let size: Int64
    /// The nine bits of the owner, the group and others (chmod(1)).
    package let permissions: UInt16
    /// The number of its names.
    package let links: Int
    /// Its file system, and its number within that.
    package let device: UInt64
    package let number: UInt64

    /// - Parameter followingLinks: Whether to describe a link's target instead of the link itself.
    package init(of path: String, followingLinks: Bool = true) throws(Errno) {
        var status = stat()
        guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { throw .last }
        self.init(status)
    }

    init(of descriptor: CInt) throws(Errno) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last }
        self.init(status)
    }

    private init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .link
            case S_IFSOCK: .socket
            default: .other
            }
        size = Int64(status.st_size)
        permissions = UInt16(status.st_mode & 0o777)
        links = Int(clamping: status.st_nlink)
        device = UInt64(truncatingIfNeeded: status.st_dev)
        number = UInt64(truncatingIfNeeded: status.st_ino)
    }

    package var isWorldReadable: Bool { permissions & 0o004 != 0 }
}
