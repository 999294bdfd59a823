import ArgumentParser
import MirrorCore

/// `cloud-mirror purge`: deletes copies.
struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Delete the copies of an artifact.",
        discussion: "The next request for it makes a new copy.")

    @Argument(help: "The artifact's URL.", transform: { try ArtifactURL($0) })
    var url: ArtifactURL

    @Option(help: ArgumentHelp("The pool to delete it from (default: all pools).", valueName: "service/region"))
    var pool: PoolID?

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        try await reportingFailures {
            try await admin.withClient { client in
                let answer = try await client.call(.delete, client.address.purge(url, pool: pool))
                print(admin.json ? answer.text : "purged \(url.redacted) from \(pool.map(\.description) ?? "all pools")")
            }
        }
    }
}
