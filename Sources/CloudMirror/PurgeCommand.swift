import ArgumentParser
import MirrorCore
import NIOHTTP1

/// `cloud-mirror purge`: deletes copies.
struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Delete the copies of an artifact.",
        discussion: "Reports what was deleted. The next request for the artifact makes a new copy. A page of a named origin is dropped."
            + CommandExit.help(.success, .failed, .usage, .unreachable))

    @Argument(help: "The artifact's URL, or its path below /o/.", transform: { try ArtifactName($0) })
    var artifact: ArtifactName

    @Option(
        help: ArgumentHelp("The pool to delete it from (default: all pools).", valueName: "service/region"), completion: PoolCompletion.kind
    )
    var pool: PoolID?

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        try await admin.withClient { client in
            let answer = try await client.send(
                client.address.purge(artifact, pool: pool), .DELETE, headers: [("prefer", PurgeCall.preference)])
            // An older mirror does not say what it deleted.
            guard answer.status != 204 else {
                return print(
                    admin.json
                        ? JSONText.text(["url": artifact.text])
                        : "purged \(artifact.shown) from \(pool.map(\.description) ?? "all pools"), if it was there")
            }
            let purged: PurgeCall.Answer = try client.decode(answer)
            print(admin.json ? JSONText.text(purged) : Self.text(purged, artifact, pool))
        }
    }

    static func text(_ answer: PurgeCall.Answer, _ artifact: ArtifactName, _ pool: PoolID?) -> String {
        let pools = answer.removed.map { item in
            let state = item.state == PurgeCall.Item.forgotten ? "an object without a record" : item.state
            return "\(TextTable.printable(item.pool)) (\(TextTable.printable(state)))"
        }
        let places = pools + ((answer.pages ?? 0) > 0 ? ["the mirror's pages"] : [])
        guard !places.isEmpty else {
            return "nothing to purge: \(artifact.shown) is not in \(pool.map { "the pool \($0)" } ?? "any pool")"
        }
        return "purged \(artifact.shown) from \(places.joined(separator: ", "))"
    }
}
