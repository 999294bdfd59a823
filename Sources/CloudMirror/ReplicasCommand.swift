import ArgumentParser
import MirrorCore

/// `cloud-mirror replicas`: what is where.
struct ReplicasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "replicas", abstract: "List what is in which pool.")

    enum State: String, CaseIterable, ExpressibleByArgument {
        case pending, present, error
    }

    @Option(help: ArgumentHelp("Only this pool.", valueName: "service/region"))
    var pool: PoolID?

    @Option(help: "Only replicas in this state.")
    var state: State?

    @OptionGroup var admin: AdminOptions

    private static let pageSize = 500

    func run() async throws {
        try await reportingFailures {
            try await admin.withClient { client in
                let replicas = try await all(client)
                if admin.json { return print(JSONValue.object(["replicas": .array(replicas)]).text) }
                print(Self.table(replicas), terminator: "")
            }
        }
    }

    private func all(_ client: MirrorClient) async throws -> [JSONValue] {
        var replicas: [JSONValue] = []
        var after: String?
        repeat {
            let page = try await client.call(
                .get, client.address.replicas(pool: pool, state: state?.rawValue, after: after, limit: Self.pageSize))
            replicas += page["replicas"]?.elements ?? []
            let next = page["next"]?.string
            if let next, next == after { throw CommandFailure("the mirror's pages go in a circle") }
            after = next
        } while after != nil
        // A mirror that does not know the parameter sends all states.
        return replicas.filter { state == nil || $0["state"]?.string == state?.rawValue }
    }

    static func table(_ replicas: [JSONValue]) -> String {
        var table = TextTable([("STATE", .left), ("POOL", .left), ("SIZE", .right), ("LAST USED", .left), ("ARTIFACT", .left)])
        for replica in replicas {
            let error = replica["error"]?.string ?? replica["error"]?["message"]?.string
            table.add([
                replica["state"]?.cell ?? "", replica["pool"]?.cell ?? "", replica["size"]?.int64.map(HumanText.bytes) ?? "",
                replica["lastUsed"]?.cell ?? "", (replica["url"]?.cell ?? "") + (error.map { "  (\($0))" } ?? ""),
            ])
        }
        return table.isEmpty ? "no replicas\n" : table.text()
    }
}
