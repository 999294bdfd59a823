import Foundation

/// A program that a test runs, with what it writes in files of the test's directory.
///
/// It ends with the test's process at the latest: a shell beside it ends it as soon as nobody holds the other end of the shell's standard
/// input.
actor TestProgram {
    /// The program's own exit status is the shell's.
    private static let script = """
        exec 3<&0
        "$@" </dev/null 3<&- &
        child=$!
        (cat <&3 >/dev/null; kill -TERM $child) >/dev/null 2>&1 &
        watcher=$!
        exec 3<&-
        wait $child
        status=$?
        kill $watcher 2>/dev/null
        exit $status
        """

    private let process = Process()
    private let input = Pipe()
    private let exits: AsyncStream<Int32>
    private let directory: TestDirectory
    private let name: String

    /// - Parameters:
    ///   - name: What its files are called: `<name>.out` and `<name>.err`.
    ///   - environment: Beside that of this process, less everything that begins with `CLOUD_MIRROR_`.
    init(
        _ name: String, _ executable: String, _ arguments: [String], environment: [String: String] = [:], in directory: TestDirectory
    ) throws {
        self.name = name
        self.directory = directory
        let (exits, told) = AsyncStream.makeStream(of: Int32.self)
        self.exits = exits
        let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CLOUD_MIRROR_") }
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.script, "sh", executable] + arguments
        process.environment = inherited.merging(environment) { _, new in new }
        process.standardInput = input
        process.standardOutput = FileHandle(forWritingAtPath: try directory.write("", to: "\(name).out"))
        process.standardError = FileHandle(forWritingAtPath: try directory.write("", to: "\(name).err"))
        process.terminationHandler = { ended in
            told.yield(ended.terminationStatus)
            told.finish()
        }
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    nonisolated var output: String { directory.text("\(name).out") }
    nonisolated var errors: String { directory.text("\(name).err") }

    /// Waits until it ends by itself.
    ///
    /// - Returns: Its exit status.
    func exit() async -> Int32 {
        for await status in exits { return status }
        return process.terminationStatus
    }

    /// Ends it, and waits for that.
    @discardableResult
    func end() async -> Int32 {
        try? input.fileHandleForWriting.close()
        return await exit()
    }
}
