import CLibrary
import Dispatch
import Synchronization

/// Runs a program that issues credentials: without a shell, for a limited time, with limited output.
///
/// Its standard error is discarded, because it may contain anything. A program that takes too long is killed, together with everything that it
/// started.
package enum CredentialProcess {
    /// - Parameters:
    ///   - command: A command line; quotes group words, and no other feature of a shell is supported.
    ///   - environment: The program's environment; its `PATH` is searched for the program.
    ///   - limit: Bytes of output.
    /// - Returns: The program's standard output.
    /// - Throws: ``CredentialsError``; `CancellationError` if the task is cancelled, and the program is killed.
    package static func run(
        _ command: String, environment: [String: String], timeout: Duration = .seconds(60), limit: Int = 64 << 10
    ) async throws -> [UInt8] {
        guard let words = CommandLineWords.split(command), let program = words.first, !command.utf8.contains(0) else {
            throw CredentialsError(.invalid, "the command is empty, or a quote in it is not closed")
        }
        guard let path = find(program, environment) else {
            throw CredentialsError(.invalid, "there is no program \(program), or it may not be run")
        }
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // On a thread that may block.
                DispatchQueue.global().async {
                    continuation.resume(
                        with: Result {
                            let run = try ProgramRun(path, arguments: words, environment: environment)
                            return try run.output(within: timeout, limit: limit) { cancellation.isSet.load(ordering: .relaxed) }
                        })
                }
            }
        } onCancel: {
            cancellation.isSet.store(true, ordering: .relaxed)
        }
    }

    private final class Cancellation: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    private static func find(_ program: String, _ environment: [String: String]) -> String? {
        if program.utf8.contains(UInt8(ascii: "/")) { return access(program, X_OK) == 0 ? program : nil }
        let directories = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        return directories.lazy.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    }
}
