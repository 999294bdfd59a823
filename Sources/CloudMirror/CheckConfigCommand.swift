import ArgumentParser
import MirrorNet
import MirrorNode
import MirrorCore
import MirrorSettings

/// `cloud-mirror check-config`: reports everything that is wrong with a file before it is used.
struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Report everything that is wrong with a configuration file.",
        discussion:
            """
            Prints one problem per line, as file:line:column: key: what is wrong. The environment variables and files that the configuration \
            names are read, too, and what it needs of this machine is checked: directories, disks, addresses, certificates. So run it on the \
            service's machine, as the service's account; elsewhere use --file-only to leave out the machine.
            """ + CommandExit.help(.success, .failed, .usage, .configuration))

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Flag(name: [.short, .long], help: "Print nothing when nothing is wrong.")
    var quiet = false

    @Flag(help: "Check only the file and the files that it names, not this machine's directories, disks, addresses and limits.")
    var fileOnly = false

    func run() async throws {
        try await reportingFailures {
            let configuration = try ConfigurationLoader.load(file, overrides: .init())
            for warning in configuration.warnings { Self.report(warning, isWarning: true) }
            let findings = fileOnly ? [] : MachineCheck(configuration).all()
            for finding in findings {
                let problem = SettingsProblem(file: file, path: finding.key, message: finding.text)
                Self.report(problem, isWarning: finding.severity == .warning)
            }
            let errors = findings.count { $0.severity != .warning }
            guard errors == 0 else {
                throw CommandFailure(
                    "the configuration does not fit this machine: \(errors == 1 ? "a problem" : "\(errors) problems")", exit: .configuration
                )
            }
            guard !quiet else { return }
            let pools = configuration.pools.map(\.id.description).joined(separator: ", ")
            print(
                "\(file) is fine: listens on \(configuration.listen), pools: \(pools), allowed origins: \(configuration.origins.policy.allow.count + configuration.origins.buckets.count)"
            )
            if !fileOnly { configuration.sharesOfDisks.forEach { print($0) } }
        }
    }

    private static func report(_ problem: SettingsProblem, isWarning: Bool) {
        Terminal.writeToStandardError("\(TextTable.printable(problem.description))\(isWarning ? " (warning)" : "")\n")
    }
}
