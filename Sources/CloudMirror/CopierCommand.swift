import ArgumentParser
import MirrorNode
import MirrorCore

/// `cloud-mirror copier`: runs the copy path alone.
struct CopierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copier",
        abstract: "Copy artifacts into pools for the front ends that share its state, until told to stop.",
        discussion: """
            Takes copy jobs that `cloud-mirror serve` queues in the configured Redis (state.redis), and answers only requests about itself: \
            /healthz, /readyz, /metrics. Run it in the region of its pools; run as many as you like. While one is alive, front ends leave its \
            pools to it (copy.frontEnd). SIGTERM and SIGINT shut it down gracefully: copies in progress have server.shutdownGrace to finish, and \
            go back into the queue otherwise. SIGHUP makes it read the configuration file again.
            """ + CommandExit.help(.success, .failed, .usage, .stuck, .configuration))

    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(
        help: ArgumentHelp(
            "The pools to copy into, separated by commas (default: all pools in the file).", valueName: "service/region,…"))
    var pools: String?

    @Option(
        help: ArgumentHelp(
            "Address for health and metrics; port 0 lets the system choose.", valueName: "host:port"))
    var listen = ListenAddress(host: "127.0.0.1", port: 9_091)

    @Flag(help: "Write one line, 'ready URL', to standard output once it runs.")
    var printReady = false

    func run() async throws {
        try await ServiceRun.run(as: .copier, config, overrides: .init(listen: listen)) { try adapted($0) }
    }

    /// Adapts the configuration from the file to the command line.
    private func adapted(_ configuration: Configuration) throws(CommandFailure) -> Configuration {
        var configuration = configuration
        guard configuration.isStateShared else {
            throw CommandFailure("a copier needs state.redis: with SQLite, `cloud-mirror serve` makes the copies", exit: .usage)
        }
        if let pools { configuration.pools = try selected(pools, of: configuration) }
        configuration.printsReady = printReady
        return configuration
    }

    private func selected(_ names: String, of configuration: Configuration) throws(CommandFailure) -> [Configuration.Pool] {
        var selected: [Configuration.Pool] = []
        for part in names.split(separator: ",") {
            let name = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            if name.isEmpty { continue }
            guard let id = PoolID(name), let pool = configuration.pool(id) else {
                let known = configuration.pools.map(\.id.description).joined(separator: ", ")
                throw CommandFailure("the configuration has no pool \(TextTable.printable(name)); it has \(known)", exit: .usage)
            }
            if !selected.contains(pool) { selected.append(pool) }
        }
        guard !selected.isEmpty else { throw CommandFailure("--pools names no pool", exit: .usage) }
        return selected
    }
}
