import ArgumentParser
import MirrorSystem

/// A command's exit codes. Those from 64 up are from BSD's `sysexits.h`.
enum CommandExit: Int32, CaseIterable {
    case success = 0
    case failed = 1
    case notAvailable = 2
    case digestMismatch = 3
    case notApplied = 4
    case usage = 64
    case unreachable = 69
    case stuck = 75
    case configuration = 78

    var meaning: String {
        switch self {
        case .success: "done"
        case .failed: "failed; standard error says why"
        case .notAvailable: "the origin does not have the artifact, or does not serve it"
        case .digestMismatch: "the data that arrived is not what was expected, and was discarded"
        case .notApplied: "changes are needed, and they were not made"
        case .usage: "the command line is wrong"
        case .unreachable: "the mirror cannot be reached"
        case .stuck: "the service was told to stop, but a part of it was still running a second after the grace period; the log says which"
        case .configuration: "the configuration file is wrong"
        }
    }

    static let help = help(allCases)

    /// The end of the description of a command that uses these exit codes.
    static func help(_ codes: CommandExit...) -> String { "\n\n\(help(codes))" }

    private static func help(_ codes: [CommandExit]) -> String {
        "Exit codes:\n" + codes.map { "  \($0.rawValue < 10 ? " " : "")\($0.rawValue)  \($0.meaning)" }.joined(separator: "\n")
    }
}

/// Why a command failed.
struct CommandFailure: Error, CustomStringConvertible {
    var exit: CommandExit
    /// What happened and what to check; several lines if that helps.
    var message: String

    var description: String { message }

    init(_ message: String, exit: CommandExit = .failed) {
        self.message = message
        self.exit = exit
    }

    /// Calls `body`; if it throws, the failure's message begins with `what`.
    static func explaining<Result>(_ what: String, _ body: () throws(Errno) -> Result) throws(CommandFailure) -> Result {
        do throws(Errno) {
            return try body()
        } catch {
            throw CommandFailure("\(what): \(error)")
        }
    }
}

/// Runs a command's body; writes a failure to standard error and turns it into the exit code.
func reportingFailures(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let failure as CommandFailure {
        Terminal.note(failure.message)
        throw ExitCode(failure.exit.rawValue)
    }
}
