import ArgumentParser
import MirrorCore

/// `cloud-mirror pools list`: how full and how well the pools are.
struct PoolsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the pools of a running mirror and what they hold (the default).")

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        try await reportingFailures {
            try await admin.withClient { client in
                let answer = try await client.call(.get, client.address.pools)
                print(admin.json ? answer.text + "\n" : Self.table(answer["pools"]?.elements ?? []), terminator: "")
            }
        }
    }

    static func table(_ pools: [JSONValue]) -> String {
        var table = TextTable([
            ("POOL", .left), ("HEALTHY", .left), ("OBJECTS", .right), ("BYTES", .right), ("LIMIT", .right), ("PENDING", .right),
            ("ERRORS", .right),
            ("KEPT", .left),
        ])
        for pool in pools {
            table.add([
                pool["pool"]?.cell ?? "", pool["healthy"]?.cell ?? "", pool["objects"]?.cell ?? "",
                pool["bytes"]?.int64.map(HumanText.bytes) ?? "",
                pool["maxBytes"]?.int64.map(HumanText.bytes) ?? "none", pool["pending"]?.cell ?? "", pool["errors"]?.cell ?? "",
                pool["retention"]?.cell ?? "",
            ])
        }
        let reasons = pools.compactMap { pool -> String? in
            guard let name = pool["pool"]?.string, let reason = pool["reason"]?.string else { return nil }
            return TextTable.printable("\(name) is not healthy: \(reason)") + "\n"
        }
        return table.isEmpty ? "no pools\n" : table.text() + reasons.joined()
    }
}
