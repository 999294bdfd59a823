import ArgumentParser
import MirrorSystem

/// What a command's exit code says. The numbers from 64 up are those of BSD's `sysexits.h`.
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

    /// Behind the description of a command that ends with these codes.
    static func help(_ codes: CommandExit...) -> String { "\n\n\(help(codes))" }

    private static func help(_ codes: [CommandExit]) -> String {
        "Exit codes:\n" + codes.map { "  \($0.rawValue < 10 ? " " : "")\($0.rawValue)  \($0.meaning)" }.joined(separator: "\n")
    }
}

/// Why a command cannot do what it was asked to do.
struct CommandFailure: Error, CustomStringConvertible {
    var exit: CommandExit
    /// What happened and what to check; more than one line where that helps.
    var message: String

    var description: String { message }

    init(_ message: String, exit: CommandExit = .failed) {
        self.message = message
        self.exit = exit
    }

    /// Calls `body`; where the system refuses, the failure says so of `what`.
    static func explaining<Result>(_ what: String, _ body: () throws(Errno) -> Result) throws(CommandFailure) -> Result {
        do throws(Errno) {
            return try body()
        } catch {
            throw CommandFailure("\(what): \(error)")
        }
    }
}

/// Runs a command's body; a failure is written to standard error and becomes the exit code.
func reportingFailures(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let failure as CommandFailure {
        Terminal.note(failure.message)
        throw ExitCode(failure.exit.rawValue)
    }
}
