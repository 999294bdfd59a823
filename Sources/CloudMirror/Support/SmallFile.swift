#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files that fit into memory.
enum SmallFile {
    struct Problem: Error {
        var reason: String

        /// What the last system call failed with.
        static var last: Problem { Problem(reason: String(cString: strerror(errno))) }
    }

    /// - Parameters:
    ///   - path: `nil` is standard input.
    ///   - limit: Bytes; a longer file is a problem.
    static func read(_ path: String?, limit: Int) -> Result<[UInt8], Problem> {
        let descriptor = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
        guard descriptor >= 0 else { return .failure(.last) }
        defer { if path != nil { close(descriptor) } }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failure(.last) }
            if count == 0 { return .success(bytes) }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else { return .failure(Problem(reason: "it is larger than \(limit) bytes")) }
        }
    }

    static func write(_ bytes: [UInt8], to path: String) -> Result<Void, Problem> {
        // What somebody put there as a link is not ours to write to.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else { return .failure(.last) }
        defer { close(descriptor) }
        let error = Terminal.write(bytes, to: descriptor)
        return error == 0 ? .success(()) : .failure(Problem(reason: String(cString: strerror(error))))
    }

    static func remove(_ path: String) {
        // That it is not there is as good.
        _ = unlink(path)
    }
}

/// The system call, which ``SmallFile/read(_:limit:)`` would hide.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
