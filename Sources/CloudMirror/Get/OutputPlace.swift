import MirrorCore
import MirrorSystem

/// What `-o` names. Only a regular file is ever replaced; everything else is written to as it is.
enum OutputPlace: Equatable {
    /// A descriptor of this process: `-`, `/dev/stdout`, `/dev/fd/3`. Not to be closed: the process ends with it.
    case descriptor(Int32)
    /// A device or a pipe.
    case special(path: String)
    /// A regular file, or none yet; behind all links. `mode` are the permissions of the one that is there.
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
            // A link that leads nowhere yet stays a link.
            self = .file(path: last, mode: nil)
            return
        }
        switch status.kind {
        case .regular:
            // A name that leads there by other means than links, such as the descriptor of another process, cannot be replaced.
            guard let real = Self.realPath(path, status) else {
                self = .special(path: path)
                return
            }
            // The right to replace a file that may not be written to is the directory's, and not what its owner meant.
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

    /// A descriptor of its own: a number that was not open could come to mean something else before it is used.
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
