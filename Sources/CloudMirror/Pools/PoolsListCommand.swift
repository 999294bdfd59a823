import ArgumentParser
import MirrorCore

/// `cloud-mirror pools list`: shows how full and how healthy the pools are.
struct PoolsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the pools of a running mirror and what they hold (the default).",
        discussion: CommandExit.help(.success, .failed, .usage, .unreachable))

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        try await admin.show({ $0.pools }) { (answer: WholeAnswer<PoolsCall.Answer>) in Self.table(answer.body.pools) }
    }

    static func table(_ pools: [PoolsCall.Item]) -> String {
        var table = TextTable([
            ("POOL", .left), ("HEALTHY", .left), ("OBJECTS", .right), ("BYTES", .right), ("LIMIT", .right), ("PENDING", .right),
            ("ERRORS", .right),
            ("KEPT", .left),
        ])
        for pool in pools {
            table.add([
                pool.pool, pool.healthy ? "yes" : "no", "\(pool.objects)", HumanText.bytes(pool.bytes),
                pool.maxBytes.map(HumanText.bytes) ?? "none", "\(pool.pending)", "\(pool.errors)", pool.retention,
            ])
        }
        let reasons = pools.compactMap { pool in
            pool.reason.map { TextTable.printable("\(pool.pool) is not healthy: \($0)") + "\n" }
        }
        return table.isEmpty ? "no pools\n" : table.text() + reasons.joined()
    }
}
