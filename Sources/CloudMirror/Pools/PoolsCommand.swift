import ArgumentParser
import MirrorNode
import MirrorStorage
import MirrorCore

/// `cloud-mirror pools`: the commands for pools.
struct PoolsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pools",
        abstract: "Show the pools, set up their buckets, and find out what is wrong with them.",
        discussion: CommandExit.help(.success, .failed, .notApplied, .usage, .unreachable, .configuration),
        subcommands: [PoolsListCommand.self, PoolsApplyCommand.self, PoolsCheckCommand.self],
        defaultSubcommand: PoolsListCommand.self)
}

/// Selects a configuration file, and all or one of its pools.
struct PoolFileOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(help: ArgumentHelp("Only this pool.", valueName: "service/region"), completion: PoolCompletion.kind)
    var pool: PoolID?

    /// Calls `body` with the pools' setup, and closes it afterwards.
    func withSetup<Result>(_ body: (PoolSetup) async throws -> Result) async throws -> Result {
        let configuration = try ConfigurationLoader.load(config, overrides: .init())
        let setup: PoolSetup
        do {
            setup = try PoolSetup(configuration, only: pool)
        } catch let error as StartError {
            throw CommandFailure(error.description, exit: .usage)
        }
        return try await ending {
            try await body(setup)
        } with: {
            await setup.close()
        }
    }
}

extension SetupLine {
    /// `  ok       the bucket exists`
    var row: String {
        let width = 8
        return "  \(mark.rawValue)\(String(repeating: " ", count: max(1, width - mark.rawValue.count)))\(TextTable.printable(text))\n"
    }
}
