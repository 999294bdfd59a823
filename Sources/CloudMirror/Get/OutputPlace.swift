#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import MirrorCore

/// What `-o` names. Only a regular file is ever replaced; everything else is written to as it is.
enum OutputPlace: Equatable {
    /// A descriptor of this process: `-`, `/dev/stdout`, `/dev/fd/3`. Not to be closed: the process ends with it.
    case descriptor(Int32)
    /// A device or a pipe.
    case special(path: String)
    /// A regular file, or none yet; behind all links. `mode` are the permissions of the one that is there.
    case file(path: String, mode: mode_t?)

    private static let maxLinks = 40

    init(_ path: String) throws(CommandFailure) {
        guard path != "-" else {
            self = .descriptor(STDOUT_FILENO)
            return
        }
        var last = path
        for _ in 0..<Self.maxLinks {
            if let number = Self.descriptorNumber(last) {
                self = .descriptor(try Self.duplicate(number, path))
                return
            }
            guard let target = Self.link(last) else { break }
            last = target.hasPrefix("/") ? target : Self.directory(of: last) + target
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw Self.failure(path, errno) }
            // A link that leads nowhere yet stays a link.
            self = .file(path: last, mode: nil)
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            // A name that leads there by other means than links, such as the descriptor of another process, cannot be replaced.
            guard let real = Self.realPath(path, status) else {
                self = .special(path: path)
                return
            }
            // The right to replace a file that may not be written to is the directory's, and not what its owner meant.
            guard access(real, W_OK) == 0 else { throw Self.failure(path, errno) }
            self = .file(path: real, mode: status.st_mode & 0o777)
        case S_IFDIR:
            throw CommandFailure("\(path) is a directory; name a file in it")
        case S_IFSOCK:
            throw CommandFailure("\(path) is a socket, which cannot be opened as a file")
        default:
            self = .special(path: path)
        }
    }

    private static func descriptorNumber(_ path: String) -> Int32? {
        switch path {
        case "/dev/stdout": return STDOUT_FILENO
        case "/dev/stderr": return STDERR_FILENO
        default:
            guard let folder = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix) else { return nil }
            return Int32(digits: path.dropFirst(folder.count))
        }
    }

    /// A descriptor of its own: a number that was not open could come to mean something else before it is used.
    private static func duplicate(_ number: Int32, _ path: String) throws(CommandFailure) -> Int32 {
        guard number > STDERR_FILENO else { return number }
        let copy = fcntl(number, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw failure(path, errno) }
        return copy
    }

    private static func link(_ path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }

    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// - Returns: `nil` unless the path without links names the same file.
    private static func realPath(_ path: String, _ status: stat) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        var found = stat()
        guard lstat(resolved, &found) == 0, found.st_dev == status.st_dev, found.st_ino == status.st_ino else { return nil }
        return String(cString: resolved)
    }

    private static func failure(_ path: String, _ error: Int32) -> CommandFailure {
        CommandFailure("\(path) cannot be written: \(String(cString: strerror(error)))")
    }
}
