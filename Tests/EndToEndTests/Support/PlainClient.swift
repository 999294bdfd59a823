import Foundation
import TestServers

/// A client that others use, run with an empty environment: what a user of it has without any settings.
enum PlainClient {
    /// Whether tests of a program run: where it is missed they run too, and fail.
    static func isExpected(_ program: String) -> Bool {
        let environment = ProcessInfo.processInfo.environment
        if environment["CI"] == "true" { return true }
        return path.split(separator: ":").contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }
    }

    /// - Returns: Standard output and standard error are one.
    static func run(_ program: String, _ arguments: [String]) async throws -> (exit: ChildProcess.Exit, output: String) {
        try await ChildProcess.start("env", ["-i", "PATH=\(path)", "HOME=/nonexistent", program] + arguments).end()
    }

    private static var path: String { ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin" }
}
