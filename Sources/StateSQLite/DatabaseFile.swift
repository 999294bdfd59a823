import MirrorState
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The file of a state store and its directory.
enum DatabaseFile {
    /// Creates what is missing: directories with mode 0700, the file with 0600, because URLs may hold signatures. SQLite gives its `-wal` and
    /// `-shm` files the mode of the database. What is there already keeps its mode.
    static func prepare(_ path: String) throws(StateError) {
        try createDirectory(directory(of: path))
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("the state file \(path) cannot be opened") }
        close(descriptor)
    }

    private static func createDirectory(_ path: String) throws(StateError) {
        guard !path.isEmpty, access(path, F_OK) != 0 else { return }
        try createDirectory(directory(of: path))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("the state directory \(path) cannot be made") }
    }

    /// - Returns: Empty for the current directory and for the root.
    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    private static func failure(_ what: String) -> StateError {
        StateError(.unavailable, "\(what): \(String(cString: strerror(errno)))")
    }
}
