import MirrorCore
import MirrorState
import MirrorSystem

/// An exclusive lock on a file, held until it is released or the process ends, however it ends.
final class FileLock: Sendable {
    private let file: Descriptor

    /// - Throws: ``StateError/Code/unavailable`` if another process, or another holder in this one, has the lock.
    init(path: String) throws(StateError) {
        let file: Descriptor
        do throws(Errno) {
            file = try Descriptor(path, for: .readingAndWriting, .create)
        } catch {
            throw StateError(.unavailable, "the lock file \(path) cannot be opened: \(error)")
        }
        guard (try? file.lockExclusively()) == true else {
            throw StateError(
                .unavailable,
                "the state file is in use by \(Self.holder(file)), which holds \(path): one process serves from one state file; "
                    + "stop the other one, or give this one a state path of its own")
        }
        self.file = file
        // Only for people: the lock is the flock, not the text.
        try? file.truncate(to: 0)
        try? file.append(Array("\(CurrentProcess.id)\n".utf8))
    }

    deinit {
        file.unlock()
    }

    private static func holder(_ file: Descriptor) -> String {
        let digits = ((try? file.bytes(20, at: 0)) ?? []).prefix { $0.isASCIIDigit }
        return digits.isEmpty ? "another process" : "process \(String(decoding: digits, as: UTF8.self))"
    }
}
