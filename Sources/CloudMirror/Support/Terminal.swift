#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output and standard error.
enum Terminal {
    static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Asks a question at the terminal.
    ///
    /// - Returns: False without a terminal to ask at, and for every answer but a yes.
    static func confirm(_ question: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1, standardErrorIsTerminal else { return false }
        writeToStandardError(question)
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    /// Columns of the terminal at standard error; 80 where that is not known.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// A line for people, on standard error. What others said may be in it: no control character gets to the terminal.
    static func note(_ message: String) {
        writeToStandardError("cloud-mirror: \(TextTable.printableLines(message))\n")
    }

    /// Text of what a command was asked for, on standard output, at once: `print` keeps it while the output is a file or a pipe.
    static func say(_ text: String) {
        _ = write(Array(text.utf8), to: STDOUT_FILENO)
    }

    static func writeToStandardError(_ text: String) {
        // Nowhere is left to complain to.
        _ = write(Array(text.utf8), to: STDERR_FILENO)
    }

    /// Writes all of `bytes`.
    ///
    /// - Returns: 0, or the `errno` of the write that failed.
    static func write(_ bytes: some Collection<UInt8>, to descriptor: Int32) -> Int32 {
        let result = bytes.withContiguousStorageIfAvailable { write(UnsafeRawBufferPointer($0), to: descriptor) }
        return result ?? Array(bytes).withUnsafeBytes { write($0, to: descriptor) }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: rest))
            if count < 0 {
                if errno == EINTR { continue }
                return errno
            }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// The system call, which ``Terminal`` would hide.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
