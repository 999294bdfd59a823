import ArgumentParser
import MirrorSettings

/// A suggestion after a mistyped command name.
struct SubcommandHint: Equatable {
    /// The words up to and including the mistyped one.
    let typed: String
    let meant: String

    var message: String { "there is no command '\(typed)'. Did you mean '\(meant)'?" }

    /// - Parameter arguments: The words after the name of `root`.
    /// - Returns: `nil` if the commands exist, or none is similar: then the parser reports the error.
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
