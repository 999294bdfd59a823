import TestServers

/// Clients that are not ours, as they are installed, in an environment that tells them nothing.
enum Client {
    static func run(_ words: [String]) async throws -> Command.Result {
        let directory = try TemporaryDirectory()
        let empty = ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=\(directory.path)", "LC_ALL=C"]
        let process = try await ChildProcess.start("env", empty + words, errorFile: "\(directory.path)/stderr.log")
        let (exit, output) = try await process.end()
        return Command.Result(exit: exit, output: output, errors: String(decoding: try directory.read("stderr.log"), as: UTF8.self))
    }
}
