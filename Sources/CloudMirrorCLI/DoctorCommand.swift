import ArgumentParser
import CloudMirror

/// `cloud-mirror doctor`: whether everything around the service is as it should be.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the state and every pool of a configuration, and say what is wrong and how to mend it.",
        discussion: """
            A line for each thing that was looked at. Run it where the service runs: elsewhere other credentials and ways may hold. Pools are \
            checked as by `cloud-mirror pools check`.
            """)

    @OptionGroup var file: PoolFileOptions

    func run() async throws {
        try await reportingFailures {
            let configuration = try ConfigurationLoader.load(file.config, overrides: .init())
            Terminal.say("state\n")
            let isStateFine = await StateCheck(configuration).run { Terminal.say($0.row) }
            let arePoolsFine = try await file.withSetup { try await PoolsCheckCommand.check($0) }
            guard isStateFine, arePoolsFine else { throw CommandFailure("something is wrong; the lines above say what") }
        }
    }
}
