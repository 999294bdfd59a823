import CLibrary

/// Directories by their paths.
package enum Directories {
    /// Creates a directory and its missing ancestors, accessible only by this user.
    package static func make(_ path: String) throws(Errno) {
        guard access(path, F_OK) != 0 else { return }
        let parent = parent(of: path)
        if parent != path { try make(parent) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last }
    }

    /// The directory that contains a path; the root for a path without a slash.
    package static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// The process's current directory; the root if unknown.
    package static var current: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
