import ArgumentParser
import MirrorCore

/// `cloud-mirror warm`: copies ahead of use.
struct WarmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warm",
        abstract: "Queue copies of artifacts before somebody asks for them.",
        discussion: "The copies are made in the background; 'cloud-mirror replicas' shows how far they are.")

    @Argument(help: "URLs of artifacts.", transform: { try ArtifactURL($0) })
    var urls: [ArtifactURL]

    @Option(help: ArgumentHelp("A pool to copy into; may be given more than once (default: all pools).", valueName: "service/region"))
    var pool: [PoolID] = []

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        try await reportingFailures {
            try await admin.withClient { client in
                var members: [String: JSONValue] = ["urls": .array(urls.map { .string($0.description) })]
                if !pool.isEmpty { members["pools"] = .array(pool.map { .string($0.description) }) }
                let answer = try await client.call(.post, client.address.warm, body: .object(members))
                if admin.json { return print(answer.text) }
                let counts = answer.numericLeaves().map { "\($0.path.joined(separator: " ")): \($0.value.cell)" }.joined(separator: ", ")
                print(
                    "the mirror took \(urls.count == 1 ? "1 artifact" : "\(urls.count) artifacts")\(counts.isEmpty ? "" : " (\(counts))")")
            }
        }
    }
}
