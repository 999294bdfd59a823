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

    @OptionGroup var copy: CopyOptions

    func run() async throws {
        try await reportingFailures { print(try mirror.address().redirect(to: url, pool: copy.pool, wait: copy.wait)) }
    }
}
