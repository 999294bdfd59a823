import ArgumentParser
import MirrorNode

/// Runs the service for a command, until it is told to stop.
enum ServiceRun {
    static func run(_ log: LogOutput, _ serve: () async throws -> Void) async throws {
        do {
            try await serve()
        } catch {
            // Into the log, and not behind it in a form of its own.
            log.report(failure: error)
            log.writer.flush(within: .seconds(1))
            throw ExitCode(CommandExit.failed.rawValue)
        }
    }
}
