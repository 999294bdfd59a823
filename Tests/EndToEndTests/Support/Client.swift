import TestServers

/// Clients that are not ours, as they are installed, in an environment that tells them nothing: their defaults are what is tested.
enum Client {
    /// - Parameter directory: Where it runs, and its `HOME`; one of its own unless it is given.
    static func run(_ words: [String], in directory: TemporaryDirectory? = nil) async throws -> Command.Result {
        let directory = try directory ?? TemporaryDirectory()
        let empty = ["-i", "-C", directory.path, "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=\(directory.path)", "LC_ALL=C"]
        let process = try await ChildProcess.start("env", empty + words, errorFile: "\(directory.path)/stderr.log")
        let (exit, output) = try await process.end()
        return Command.Result(exit: exit, output: output, errors: String(decoding: try directory.read("stderr.log"), as: UTF8.self))
    }

    // MARK: Python

    /// A Python of its own, with the pip that comes with it; made once for all tests.
    static func python() async throws -> String {
        "\(try await pythonDirectory.value.path)/bin/python"
    }

    private static let pythonDirectory = Task {
        let directory = try TemporaryDirectory()
        try await ChildProcess.run("python3", ["-m", "venv", directory.path])
        return directory
    }

    /// A wheel named `slow-1.0-py3-none-any.whl`, of some `size` bytes.
    static func wheel(size: Int) async throws -> [UInt8] {
        let directory = try TemporaryDirectory()
        let script = """
            import sys, zipfile
            with zipfile.ZipFile(sys.argv[1], "w") as wheel:
                wheel.writestr("slow.py", "#" * int(sys.argv[2]))
                wheel.writestr("slow-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slow\\nVersion: 1.0\\n")
                wheel.writestr("slow-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
                wheel.writestr("slow-1.0.dist-info/RECORD", "")
            """
        try await ChildProcess.run(try await python(), ["-c", script, "\(directory.path)/wheel", "\(size)"])
        return try directory.read("wheel")
    }
}
