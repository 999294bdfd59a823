import ArgumentParser
import MirrorCore
import MirrorNode

/// `cloud-mirror serve`: runs the service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the mirror until it is told to stop.",
        discussion: """
            Without a configuration file it copies from any public HTTPS origin into a directory of this account. SIGTERM and SIGINT shut \
            it down gracefully: requests and copies in progress have server.shutdownGrace to finish. SIGHUP makes it read the configuration \
            file again.
            """ + CommandExit.help(.success, .failed, .usage, .stuck, .configuration))

    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Directory for the service's own files, in place of the file's stateDirectory.", valueName: "directory"),
        completion: .directory)
    var stateDir: String?

    @Option(help: ArgumentHelp("Address to listen on, in place of the file's; port 0 lets the system choose.", valueName: "host:port"))
    var listen: ListenAddress?

    @Flag(help: "Leave all copying to `cloud-mirror copier` processes; needs state.redis.")
    var noCopiers = false

    @Flag(help: "Write one line, 'ready URL', to standard output once requests are accepted.")
    var printReady = false

    func run() async throws {
        try await ServiceRun.run(as: .frontEnd, config, overrides: .init(listen: listen, stateDirectory: stateDir)) { try adapted($0) }
    }

    /// Adapts the configuration from the file to the command line.
    private func adapted(_ configuration: Configuration) throws(CommandFailure) -> Configuration {
        var configuration = configuration
        configuration.printsReady = printReady
        if noCopiers {
            guard configuration.isStateShared else {
                throw CommandFailure("--no-copiers needs state.redis: otherwise nothing could copy", exit: .usage)
            }
            configuration.leaveCopying()
        }
        return configuration
    }
}

extension ListenAddress: ExpressibleByArgument, LosslessStringConvertible {}
