#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import MirrorCore

/// Whether this account can keep files in a directory that is there or can be made. Leaves nothing behind.
struct DirectoryCheck {
    /// The directory itself, or the deepest one above it that is there.
    let place: String
    /// What is wrong; `nil` when files can be kept.
    let problem: String?

    init(_ path: String) {
        var place = path
        var status = stat()
        while stat(place, &status) != 0 {
            let error = errno
            guard error == ENOENT || error == ENOTDIR, place != "/" else {
                self.init(place: place, problem: "\(path) cannot be used: \(place): \(Self.words(error))")
                return
            }
            if Self.isLink(place) {
                self.init(place: place, problem: "\(path) cannot be made: \(place) is a link that leads nowhere")
                return
            }
            place = Self.parent(of: place)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            self.init(
                place: place, problem: place == path ? "\(path) is not a directory" : "\(path) cannot be made: \(place) is not a directory")
            return
        }
        let reason = Self.writeProblem(place)
        let cannot = place == path ? "\(path) cannot be written to" : "\(path) cannot be made in \(place)"
        self.init(
            place: place,
            problem: reason.map {
                "\(cannot): \($0); let the account that the service runs as (here \(geteuid())) write there, or name another directory"
            })
    }

    private init(place: String, problem: String?) {
        self.place = place
        self.problem = problem
    }

    /// Of the file system; `nil` where it cannot be told.
    var space: (total: Int64, free: Int64)? {
        var status = statvfs()
        guard statvfs(place, &status) == 0 else { return nil }
        func bytes(_ blocks: UInt64) -> Int64 {
            let (product, overflow) = blocks.multipliedReportingOverflow(by: UInt64(status.f_frsize))
            return overflow ? .max : Int64(clamping: product)
        }
        return (bytes(UInt64(status.f_blocks)), bytes(UInt64(status.f_bavail)))
    }

    /// Which file system it is on.
    var device: UInt64? {
        var status = stat()
        return stat(place, &status) == 0 ? UInt64(status.st_dev) : nil
    }

    /// What keeps this account from making a file in a directory.
    static func writeProblem(_ directory: String) -> String? {
        #if os(Linux)
            // A file without a name, which nobody can see (`O_TMPFILE`, open(2)).
            let unnamed = open(directory, 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o600)
            if unnamed >= 0 {
                close(unnamed)
                return nil
            }
            guard [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(errno) else { return words(errno) }
        #endif
        // Where the file system has no such files.
        let probe = "\(directory)/.cloud-mirror-probe-\(Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) }))"
        let named = open(probe, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard named >= 0 else { return words(errno) }
        close(named)
        unlink(probe)
        return nil
    }

    /// What keeps this account from reading and writing a file that is there; `nil` also where there is none.
    static func fileProblem(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return errno == ENOENT ? nil : words(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is not a regular file" }
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return words(errno) }
        close(descriptor)
        return nil
    }

    static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    static func words(_ error: CInt) -> String { String(cString: strerror(error)).lowercased() }

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }
}
