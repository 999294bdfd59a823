import ArgumentParser
import MirrorCore

/// `cloud-mirror clients`: prints the configuration that points clients at a mirror.
struct ClientsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients",
        abstract: "Print the configuration with which clients use a mirror.",
        discussion: "For each named origin: the lines of the client's own file, or a command for a shell. Needs no token."
            + CommandExit.help(.success, .failed, .usage, .unreachable))

    @Argument(help: "A named origin, or a client such as pip. If it needs only one file, only the lines of that file are printed.")
    var name: String?

    @OptionGroup var mirror: MirrorOptions

    @Flag(help: "Print the mirror's JSON instead of text.")
    var json = false

    func run() async throws {
        try await reportingFailures {
            let address = try mirror.address()
            try await HTTPTransport.withClient(readTimeout: 60) { transport in
                let client = AdminClient(address: address, token: nil, localTokens: nil, transport: transport)
                let answer: WholeAnswer<ClientsCall.Answer> = try await client.call(address.clients)
                print(json ? answer.json.text + "\n" : try Self.text(answer.body, name), terminator: "")
            }
        }
    }

    static func text(_ answer: ClientsCall.Answer, _ name: String?) throws(CommandFailure) -> String {
        guard let name else { return TextTable.printableLines(ClientsText.text(answer)) }
        let chosen = answer.origins.compactMap { origin in
            var origin = origin
            if origin.name != name { origin.recipes.removeAll { !$0.clients.contains(name) } }
            return origin.recipes.isEmpty ? nil : origin
        }
        let recipes = chosen.flatMap(\.recipes)
        guard let first = recipes.first else {
            let names = answer.origins.map(\.name) + answer.origins.flatMap(\.recipes).flatMap(\.clients)
            throw CommandFailure(
                "this mirror has neither a named origin nor a client configuration called '\(TextTable.printable(name))'; there are: "
                    + (names.isEmpty ? "none" : TextTable.printable(names.joined(separator: ", "))))
        }
        return TextTable.printableLines(recipes.count == 1 ? first.lines + "\n" : ClientsText.text(ClientsCall.Answer(origins: chosen)))
    }
}

extension ClientsCall.Recipe {
    fileprivate var clients: [String] { client.split(separator: ",").map { String($0.drop { $0 == " " }) } }
}
