import ArgumentParser
import MirrorNode
import MirrorCore
import MirrorSettings

/// `cloud-mirror check-config`: everything that is wrong with a file, before it is used.
struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say everything that is wrong with a configuration file.",
        discussion:
            """
            One problem a line, as file:line:column: key: what is wrong. Environment variables and files that it names are read, too, and what it \
            needs of this machine is looked at: directories, disks, addresses, certificates. So run it where, and as whom, the service will run; \
            elsewhere --file-only leaves the machine out.
            """)

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Flag(name: [.short, .long], help: "Say nothing when nothing is wrong.")
    var quiet = false

    @Flag(help: "Look at the file and at the files that it names, and not at directories, disks, addresses and limits of this machine.")
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
                "\(file) is fine: listens on \(configuration.listen), pools: \(pools), allowed origins: \(configuration.origins.allow.count + configuration.origins.buckets.count)"
            )
            if !fileOnly { configuration.sharesOfDisks.forEach { print($0) } }
        }
    }

    private static func report(_ problem: SettingsProblem, isWarning: Bool) {
        Terminal.writeToStandardError("\(TextTable.printable(problem.description))\(isWarning ? " (warning)" : "")\n")
    }
}
