#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import MirrorCore

/// A file with the admin token of the service that listens at an address (``LocalAdminToken``).
package struct AdminTokenFile: Sendable, Hashable {
    package let path: String
    private let directory: String
    private let name: String

    package struct Problem: Error {
        package var reason: String
        /// Whether there is no such file.
        package var isMissing = false

        /// What the last system call failed with.
        fileprivate static var last: Problem {
            let code = errno
            return Problem(reason: DirectoryCheck.words(code), isMissing: code == ENOENT || code == ENOTDIR)
        }
    }

    /// Of 256 bits, in hexadecimal.
    private static let length = 64

    /// - Parameter directory: The state directory, an absolute path.
    /// - Parameter address: Where the service takes admin calls.
    package init(in directory: String, for address: ListenAddress) {
        self.directory = directory
        name = "admin-token-\(address)"
        path = "\(directory)/\(name)"
    }

    package static func makeToken() -> String {
        Hex.encode((0..<length / 2).map { _ in UInt8.random(in: .min ... .max) })
    }

    /// Puts a new file in the place of whatever is there, be it a link: nobody reads half of a token, and no other file is written to.
    func write(_ token: String) throws(Problem) {
        try makeDirectory(directory)
        let place = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard place >= 0 else { throw .last }
        defer { close(place) }
        let temporary = ".\(name)-\(Hex.encode((0..<8).map { _ in UInt8.random(in: .min ... .max) }))"
        let descriptor = openat(place, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        do throws(Problem) {
            let bytes = Array("\(token)\n".utf8)
            let count = systemWrite(descriptor, bytes)
            guard count >= 0 else { throw .last }
            // A few bytes are written at once, or there is no room.
            guard count == bytes.count else { throw Problem(reason: DirectoryCheck.words(ENOSPC)) }
            guard fsync(descriptor) == 0, renameat(place, temporary, place, name) == 0 else { throw .last }
        } catch {
            unlinkat(place, temporary, 0)
            throw error
        }
    }

    func remove() {
        // That it is not there is as good.
        unlink(path)
    }

    /// - Throws: ``Problem``, also for what is not a token: the file may be anybody's, and what is in it gets onto a wire.
    package func read() throws(Problem) -> String {
        // Without following a link, and without waiting for who writes into a pipe.
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Problem(reason: "it is not a regular file") }
        var bytes = [UInt8](repeating: 0, count: Self.length + 2)
        let count = systemRead(descriptor, &bytes)
        guard count >= 0 else { throw .last }
        let text = String(decoding: bytes.prefix(count).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        guard count <= Self.length + 1, text.utf8.count == Self.length, Hex.decode(text) != nil else {
            throw Problem(reason: "it does not hold a token of a mirror")
        }
        return text
    }

    private func makeDirectory(_ path: String) throws(Problem) {
        guard access(path, F_OK) != 0 else { return }
        if path != DirectoryCheck.parent(of: path) { try makeDirectory(DirectoryCheck.parent(of: path)) }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last }
    }
}

/// The system calls, which the methods would hide.
private func systemWrite(_ descriptor: CInt, _ bytes: [UInt8]) -> Int { write(descriptor, bytes, bytes.count) }
private func systemRead(_ descriptor: CInt, _ bytes: inout [UInt8]) -> Int { read(descriptor, &bytes, bytes.count) }
