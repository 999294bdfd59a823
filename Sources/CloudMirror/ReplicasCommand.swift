import ArgumentParser
import MirrorCore
import NIOHTTP1

/// `cloud-mirror replicas`: lists replicas.
struct ReplicasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicas", abstract: "List the replicas in the pools.",
        discussion: "With an artifact, lists only its replicas.\n\n" + CommandExit.help(.success, .failed, .usage, .unreachable))

    enum State: String, CaseIterable, ExpressibleByArgument {
        case pending, present, error
    }

    @Argument(help: "Only this artifact: its URL, or its path below /o/.", transform: { try ArtifactName($0) })
    var artifact: ArtifactName?

    @Option(help: ArgumentHelp("Only this pool.", valueName: "service/region"), completion: PoolCompletion.kind)
    var pool: PoolID?

    @Option(help: "Only replicas in this state.")
    var state: State?

    @Flag(
        help:
            "Explain why the artifact's replicas are kept or gone, and until when; with the policy cost also in dollars at list prices.")
    var explain = false

    @OptionGroup var admin: AdminOptions

    private static let pageSize = 500

    func validate() throws {
        if explain, artifact == nil { throw ValidationError("--explain needs an artifact") }
    }

    func run() async throws {
        try await admin.withClient { client in
            let replicas = try await all(client)
            if admin.json { return print(JSONValue.object(["replicas": .array(replicas.map(\.json))]).text) }
            print(Self.table(replicas.map(\.body)), terminator: "")
        }
    }

    private func all(_ client: AdminClient) async throws -> [WholeAnswer<ReplicasCall.Item>] {
        var replicas: [WholeAnswer<ReplicasCall.Item>] = []
        if let artifact {
            let answer = try await client.send(
                client.address.replicas(of: artifact, pool: pool, explains: explain), .GET, accepting: [404])
            if answer.status != 404 { replicas = Self.items(of: try client.decode(answer)) }
            return replicas.filter { state == nil || $0.body.state == state?.rawValue }
        }
        var after: String?
        var watch = PageWatch()
        repeat {
            let page: WholeAnswer<ReplicasCall.Answer> = try await client.call(
                client.address.replicas(pool: pool, state: state?.rawValue, after: after, limit: Self.pageSize))
            replicas += Self.items(of: page)
            let next = page.body.next
            do throws(EndlessPages) {
                if let next { try watch.turn(to: next, found: page.body.replicas.count) }
            } catch {
                throw CommandFailure("the mirror's list of replicas \(error.reason)")
            }
            after = next
        } while after != nil
        // An older mirror does not know the parameter and sends all states.
        return replicas.filter { state == nil || $0.body.state == state?.rawValue }
    }

    private static func items(of page: WholeAnswer<ReplicasCall.Answer>) -> [WholeAnswer<ReplicasCall.Item>] {
        zip(page.body.replicas, page.json["replicas"]?.elements ?? []).map { WholeAnswer(body: $0, json: $1) }
    }

    static func table(_ replicas: [ReplicasCall.Item]) -> String {
        var table = TextTable([("STATE", .left), ("POOL", .left), ("SIZE", .right), ("LAST USED", .left), ("ARTIFACT", .left)])
        for replica in replicas {
            table.add([
                replica.state, replica.pool, replica.size.map(HumanText.bytes) ?? "", replica.lastUsed ?? "",
                replica.url + (replica.error.map { "  (\($0.message))" } ?? ""),
            ])
        }
        let explanations = replicas.compactMap { replica in
            replica.explanation.map { "\n\(TextTable.printable(replica.pool))\n" + $0.map { "  \(TextTable.printable($0))\n" }.joined() }
        }
        return table.isEmpty ? "no replicas\n" : table.text() + explanations.joined()
    }
}
