import MirrorState
import MirrorSystem

/// The file of a state store and its directory.
enum DatabaseFile {
    /// Creates what is missing: directories with mode 0700, the file with 0600, because URLs may contain signatures. SQLite gives its `-wal` and
    /// `-shm` files the mode of the database. Existing files and directories keep their mode.
    static func prepare(_ path: String) throws(StateError) {
        let directory = Directories.parent(of: path)
        do throws(Errno) {
            try Directories.make(directory)
        } catch {
            throw StateError(.unavailable, "the state directory \(directory) cannot be created: \(error)")
        }
        do throws(Errno) {
            _ = try Descriptor(path, for: .readingAndWriting, .create)
        } catch {
            throw StateError(.unavailable, "the state file \(path) cannot be opened: \(error)")
        }
    }
}
