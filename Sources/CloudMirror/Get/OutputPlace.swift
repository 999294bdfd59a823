import MirrorCore
import MirrorSystem

/// What `-o` names. Only a regular file is ever replaced; anything else is written to in place.
enum OutputPlace: Equatable {
    /// A descriptor of this process: `-`, `/dev/stdout`, `/dev/fd/3`. It is not closed, because the process ends with it.
    case descriptor(Int32)
    /// A device or a pipe.
    case special(path: String)
    /// A regular file, or a file that does not exist yet, with all links resolved. `mode` is the existing file's permissions.
    case file(path: String, mode: UInt16?)

    private static let maxLinks = 40

    init(_ path: String) throws(CommandFailure) {
        guard path != "-" else {
            self = .descriptor(StandardStream.output.rawValue)
            return
        }
        var last = path
        for _ in 0..<Self.maxLinks {
            if let number = Self.descriptorNumber(last) {
                self = .descriptor(try Self.duplicate(number, path))
                return
            }
            guard let target = FilePath.target(ofLink: last) else { break }
            last = target.hasPrefix("/") ? target : Self.directory(of: last) + target
        }
        let status: FileStatus
        do throws(Errno) {
            status = try FileStatus(of: path)
        } catch {
            guard error == .noSuchFileOrDirectory else { throw Self.failure(path, error) }
            // A link whose target does not exist yet stays a link.
            self = .file(path: last, mode: nil)
            return
        }
        switch status.kind {
        case .regular:
            // A name that reaches the file other than through links, such as another process's descriptor, cannot be replaced.
            guard let real = Self.realPath(path, status) else {
                self = .special(path: path)
                return
            }
            // The directory's permissions allow replacing a file that is not writable, but that is not what its owner meant.
            if let error = FilePath.writeProblem(real) { throw Self.failure(path, error) }
            self = .file(path: real, mode: status.permissions)
        case .directory:
            throw CommandFailure("\(path) is a directory; name a file in it")
        case .socket:
            throw CommandFailure("\(path) is a socket, which cannot be opened as a file")
        case .link, .other:
            self = .special(path: path)
        }
    }

    private static func descriptorNumber(_ path: String) -> Int32? {
        switch path {
        case "/dev/stdout": return StandardStream.output.rawValue
        case "/dev/stderr": return StandardStream.error.rawValue
        default:
            guard let folder = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix) else { return nil }
            return Int32(digits: path.dropFirst(folder.count))
        }
    }

    /// Duplicates the descriptor: a number that was not open could mean something else by the time it is used.
    private static func duplicate(_ number: Int32, _ path: String) throws(CommandFailure) -> Int32 {
        guard number > StandardStream.error.rawValue else { return number }
        return try CommandFailure.explaining("\(path) cannot be written") { () throws(Errno) in try Descriptor.duplicate(number) }
    }

    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// - Returns: `nil` unless the path without links names the same file.
    private static func realPath(_ path: String, _ status: FileStatus) -> String? {
        guard let resolved = RealPath.existing(path), let found = try? FileStatus(of: resolved, followingLinks: false),
            found.device == status.device, found.number == status.number
        else { return nil }
        return resolved
    }

    private static func failure(_ path: String, _ error: Errno) -> CommandFailure {
        CommandFailure("\(path) cannot be written: \(error)")
    }
}
