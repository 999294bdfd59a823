import ArgumentParser
import MirrorCore

/// `cloud-mirror url`: prints the URL that a tool can use instead of an artifact's URL.
struct URLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "url",
        abstract: "Print the URL at which a mirror serves an artifact.",
        discussion: """
            Sends no request. For tools that take a URL:

              curl -fL "$(cloud-mirror url https://HOST/PATH)" -o NAME
            """ + CommandExit.help(.success, .usage))

    @Argument(help: "The artifact's URL.", transform: { try ArtifactURL($0) })
    var url: ArtifactURL

    @OptionGroup var mirror: MirrorOptions

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

    func run() async throws {
        try await reportingFailures { print(try mirror.address().redirect(to: url, pool: pool, wait: wait)) }
    }
}
