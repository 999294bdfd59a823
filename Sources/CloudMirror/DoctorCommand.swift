import ArgumentParser
import MirrorCore
import MirrorNode
import MirrorStorage

/// `cloud-mirror doctor`: checks everything around the service.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check what a configuration needs, its state and its pools; report what is wrong and how to fix it.",
        discussion: """
            Prints one line for each check. Run it where the service runs: elsewhere the credentials and the network may be different. Pools \
            are checked as by `cloud-mirror pools check`.
            """ + CommandExit.help(.success, .failed, .usage, .configuration))

    @OptionGroup var file: PoolFileOptions

    func run() async throws {
        try await reportingFailures {
            let configuration = try ConfigurationLoader.load(file.config, overrides: .init())
            let machine = MachineCheck(configuration)
            let service = machine.listeners() + machine.localToken() + machine.service()
            Terminal.say("service\n\(Self.rows(of: service, configuration))")
            let prices = PriceCheck(configuration).lines(at: SystemClock().now)
            if !prices.isEmpty { Terminal.say("retention\n\(prices.map(\.row).joined())") }
            Terminal.say("state\n")
            let isStateFine = await StateCheck(configuration).run { Terminal.say($0.row) }
            await LearningCheck(configuration).run { Terminal.say($0.row) }
            let arePoolsFine = try await file.withSetup { try await PoolsCheckCommand.check($0) }
            guard isStateFine, arePoolsFine, service.allSatisfy({ $0.severity == .warning }) else {
                throw CommandFailure("something is wrong; the lines above say what")
            }
        }
    }

    private static func rows(of findings: [Finding], _ configuration: Configuration) -> String {
        guard findings.isEmpty else { return findings.map(\.line.row).joined() }
        return SetupLine(.ok, "can listen on \(configuration.listen)").row
    }
}
