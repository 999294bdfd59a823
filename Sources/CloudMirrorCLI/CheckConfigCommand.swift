import ArgumentParser
import CloudMirror
import MirrorCore

/// `cloud-mirror check-config`: everything that is wrong with a file, before it is used.
struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Say everything that is wrong with a configuration file.",
        discussion:
            "One problem a line, as file:line:column: key: what is wrong. Environment variables and files that it names are read, too.")

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Flag(name: [.short, .long], help: "Say nothing when nothing is wrong.")
    var quiet = false

    func run() async throws {
        try await reportingFailures {
            let configuration = try ConfigurationLoader.load(file, overrides: .init())
            for warning in configuration.warnings { Terminal.writeToStandardError("\(warning) (warning)\n") }
            guard !quiet else { return }
            let pools = configuration.pools.map(\.id.description).joined(separator: ", ")
            print(
                "\(file) is fine: listens on \(configuration.listen), pools: \(pools), allowed origins: \(configuration.origins.allow.count + configuration.origins.s3.count)"
            )
        }
    }
}
