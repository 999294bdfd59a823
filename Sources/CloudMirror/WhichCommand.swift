import ArgumentParser
import MirrorCore

/// `cloud-mirror which`: shows which pool the clients at an address get.
struct WhichCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "which",
        abstract: "Show which pool a client at an address gets, and why.",
        discussion: "For requests that do not name a pool. Every answer to a client says the same in X-Cloud-Mirror-Pool-Reason."
            + CommandExit.help(.success, .failed, .usage, .unreachable))

    @Argument(
        help: "The client's IPv4 or IPv6 address.",
        transform: { text in
            guard let address = IPAddress(text) else { throw ValidationError("'\(text)' is not an IP address.") }
            return address
        })
    var address: IPAddress

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        try await admin.show({ $0.which(address) }) { (answer: WholeAnswer<WhichCall.Answer>) in Self.text(answer.body) }
    }

    static func text(_ answer: WhichCall.Answer) -> String {
        let region = answer.region ?? "an unknown region"
        let why =
            switch answer.reason {
            case "network": "its network \(answer.network ?? "") is in selection.networks"
            case "region": "it is in \(region)"
            case "nearest": "it is in \(region), and this pool is the nearest"
            case "default": "selection.default, because no pool serves \(answer.region ?? "its address")"
            default: answer.reason
            }
        let lists = answer.lists.map { "\($0.cloud) \($0.date.prefix(10))" }.joined(separator: ", ")
        let lines: [String?] = [
            "\(answer.pool ?? "origin"): \(why)", answer.reason == "network" ? answer.region.map { "in \($0)" } : nil,
            lists.isEmpty ? nil : "lists of regions: \(lists)",
        ]
        return lines.compactMap(\.self).map { TextTable.printable($0) + "\n" }.joined()
    }
}
