#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Kills the children of this process when it ends, in whatever way: a shell that reads from a pipe whose other end only this process holds.
///
/// Without it a test run that is killed would leave servers behind, which nothing ends.
final class ProcessGuard: Sendable {
    /// Started when it is first asked for.
    static let shared = Result { try ProcessGuard() }

    private static let script = """
        trap '' HUP INT TERM
        ids=
        while read -r change id; do
            kept=
            for known in $ids; do [ "$known" = "$id" ] || kept="$kept $known"; done
            ids=$kept
            [ "$change" = - ] || ids="$ids $id"
        done
        [ -z "$ids" ] || kill -KILL $ids
        """

    private let descriptor: Int32

    private init() throws {
        let ends = try ChildProcess.makePipe()
        defer { close(ends.read) }
        descriptor = ends.write
        _ = try ChildProcess.spawn("/bin/sh", ["-c", Self.script], input: ends.read, output: nil, errorFile: nil)
    }

    func watch(_ id: Int32) { tell("+ \(id)\n") }
    /// Once a process is reaped its number may become another's.
    func forget(_ id: Int32) { tell("- \(id)\n") }

    /// Lines this short are written whole (POSIX `write`, "PIPE_BUF").
    private func tell(_ line: String) {
        var line = line
        line.withUTF8 { bytes in _ = write(descriptor, bytes.baseAddress, bytes.count) }
    }
}
