import ArgumentParser
import MirrorSettings

/// What somebody probably meant who has mistyped the name of a command.
struct SubcommandHint: Equatable {
    /// All that was typed up to the mistyped word.
    let typed: String
    let meant: String

    var message: String { "there is no command '\(typed)'. Did you mean '\(meant)'?" }

    /// - Parameter arguments: What follows the name of `root`.
    /// - Returns: `nil` if the commands exist, or nothing is similar: then the parser says what is wrong.
    init?(_ arguments: [String], of root: any ParsableCommand.Type) {
        var command = root
        var path: [String] = []
        for word in arguments {
            let children = command.configuration.subcommands
            guard !children.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
            if let child = children.first(where: { $0._commandName == word }) {
                command = child
                path.append(word)
                continue
            }
            let names = children.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
            guard let nearest = Spelling.nearest(to: word, among: names + ["help"]) else { return nil }
            (typed, meant) = ((path + [word]).joined(separator: " "), (path + [nearest]).joined(separator: " "))
            return
        }
        return nil
    }
}
