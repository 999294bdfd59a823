import ArgumentParser
import MirrorCore

/// `cloud-mirror stats`: shows what the mirror has done and saved.
struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show what the mirror has done and saved.",
        discussion: CommandExit.help(.success, .failed, .usage, .unreachable))

    @OptionGroup var admin: AdminOptions

    func run() async throws { try await admin.show({ $0.stats }, Self.text) }

    /// All numbers that the mirror sends, grouped by key, including those that this version does not know.
    static func text(_ stats: WholeAnswer<StatsCall.Answer>) -> String {
        // Origins and dollars have tables of their own.
        let leaves = stats.json.numericLeaves().filter { $0.path.first != "origins" && $0.path.first != "savings" }
        let groups = [nil] + Set(leaves.compactMap { $0.path.count > 1 ? $0.path.first : nil }).sorted().map(Optional.some)
        let width = leaves.map { $0.path.dropFirst($0.path.count > 1 ? 1 : 0).joined(separator: ".").count }.max() ?? 0
        var blocks: [String] = []
        for group in groups {
            let members = leaves.filter { group == nil ? $0.path.count == 1 : $0.path.count > 1 && $0.path.first == group }
            guard !members.isEmpty else { continue }
            var block = group.map { "\(TextTable.printable($0))\n" } ?? ""
            for (path, value) in members {
                let name = TextTable.printable(path.dropFirst(group == nil ? 0 : 1).joined(separator: "."))
                let indent = group == nil ? "" : "  "
                block +=
                    "\(indent)\(name)\(String(repeating: " ", count: max(0, width - name.count)))  \(number(value, named: path.last ?? ""))\n"
            }
            blocks.append(block)
        }
        if let savings = stats.body.savings { blocks.append(dollars(savings)) }
        if let origins = origins(stats.body.origins) { blocks.append(origins) }
        if let networks = networks(stats.body.coldClaims.networks) { blocks.append(networks) }
        return blocks.joined(separator: "\n")
    }

    private static func dollars(_ savings: StatsCall.Savings) -> String {
        var table = TextTable([("AT LIST PRICES OF \(TextTable.printable(savings.pricesAsOf))", .left), ("DOLLARS", .right)])
        func add(_ name: String, _ dollars: Double) { table.add([name, HumanText.dollars(dollars)]) }
        add("saved by hits", savings.savedDollars)
        for (kind, dollars) in savings.costDollars.sorted(by: { $0.key < $1.key }) { add("paid for \(kind)", dollars) }
        add("paid in all", savings.costDollars.values.reduce(0, +))
        for (policy, dollars) in savings.counterfactualDollars.sorted(by: { $0.key < $1.key }) {
            add("instead, with the policy \(policy)", dollars)
        }
        return table.text()
    }

    private static func origins(_ origins: [StatsCall.Origin]) -> String? {
        var table = TextTable([
            ("ORIGIN", .left), ("QUEUED", .right), ("RUNNING", .right), ("SLOW", .right), ("PER SECOND", .right), ("SLOW SO FAR", .right),
        ])
        for origin in origins {
            table.add([
                origin.origin, "\(origin.queued)", "\(origin.running)", "\(origin.slow)", HumanText.bytes(origin.bytesPerSecond),
                "\(origin.slowed)",
            ])
        }
        return table.isEmpty ? nil : table.text()
    }

    private static func networks(_ networks: [String]) -> String? {
        var table = TextTable([("NETWORK OVER ITS BUDGET", .left)])
        for network in networks { table.add([network]) }
        return table.isEmpty ? nil : table.text()
    }

    /// The end of a name gives the unit, as everywhere in this project.
    private static func number(_ value: JSONValue, named name: String) -> String {
        let lower = name.lowercased()
        guard let count = value.int64 else { return value.digits }
        if lower.contains("bytes") { return "\(count) (\(HumanText.bytes(count)))" }
        if lower.hasSuffix("seconds") { return "\(value.digits) (\(HumanText.seconds(count)))" }
        return value.digits
    }
}
