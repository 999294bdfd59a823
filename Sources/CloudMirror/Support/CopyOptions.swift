import ArgumentParser
import MirrorCore

/// The options of commands that ask for one copy.
struct CopyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The pool to use, such as local/dev (default: the mirror chooses).", valueName: "service/region"),
        completion: PoolCompletion.kind)
    var pool: PoolID?

    @Option(
        help: ArgumentHelp("How long the mirror may take to make a first copy (default: the mirror's own setting).", valueName: "seconds"))
    var wait: Int?

    func validate() throws {
        if let wait, !(0...86_400).contains(wait) { throw ValidationError("--wait takes 0 to 86400 seconds.") }
    }
}

/// The option of commands that take many URLs.
struct URLListOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Read URLs from a file, one per line; - is standard input. Empty lines and lines that begin with # are skipped.",
            valueName: "file"),
        completion: .file())
    var from: [String] = []

    /// - Parameter count: The URLs that are arguments.
    func requireURLs(besides count: Int) throws {
        if count == 0, from.isEmpty { throw ValidationError("Give URLs, or a file of them with --from.") }
    }
}
