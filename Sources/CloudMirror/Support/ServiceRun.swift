import ArgumentParser
import MirrorNode

/// Runs the service for a command, until it is told to stop.
enum ServiceRun {
    /// - Parameter adapted: Adapts the configuration from the file to the command line.
    static func run(
        as role: ProcessRole, _ file: String?, overrides: Configuration.Overrides,
        adapted: @escaping @Sendable (Configuration) throws -> Configuration
    ) async throws {
        try await reportingFailures {
            let hangups = await Hangups()
            let configuration = try adapted(ConfigurationLoader.load(file, overrides: overrides))
            let log = LogOutput.bootstrap(configuration.log)
            let services = StorageServices.current
            let load = file.map { file in
                { @Sendable in try adapted(Configuration.load(file: file, services: services, overrides: overrides)) }
            }
            do {
                try await serve(configuration, as: role, log: log, hangups: hangups, load: load)
            } catch {
                // Into the log, in its format, instead of a separate message after it.
                log.report(failure: error)
                log.writer.flush(within: .seconds(1))
                throw ExitCode(CommandExit.failed.rawValue)
            }
        }
    }
}
