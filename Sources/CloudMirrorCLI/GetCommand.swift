import ArgumentParser
import AsyncHTTPClient
import MirrorCore
import NIOHTTP1

/// `cloud-mirror get`: one artifact, through the mirror.
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Download an artifact through a mirror.",
        discussion: """
            Asks the mirror where the copy nearest to it is, downloads it to FILE.part, checks its length and its SHA-256, and gives it its \
            name. What an interrupted download left behind is continued. A mirror that cannot be reached, or that is ill, is no error: then \
            the artifact comes from its origin.
            """)

    @Argument(help: "The artifact's URL.", transform: { try ArtifactURL($0) })
    var url: ArtifactURL

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Where to write; - is standard output (default: the URL's last component).", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var mirror: MirrorOptions

    @Option(help: ArgumentHelp("The pool to use, such as local/dev (default: the mirror chooses).", valueName: "service/region"))
    var pool: PoolID?

    @Option(help: ArgumentHelp("The SHA-256 that must arrive, 64 hexadecimal digits.", valueName: "hex"), transform: Self.digest)
    var sha256: Digest?

    @Option(help: ArgumentHelp("How long the mirror may take for a first copy (default: what it is configured for).", valueName: "seconds"))
    var wait: Int?

    @Flag(name: [.short, .long], help: "Say nothing but what went wrong.")
    var quiet = false

    /// Seconds that are added to what the mirror may take.
    private static let patience: Int64 = 30
    /// Seconds; what a mirror may be configured to wait, at most, is 300 unless somebody raised it.
    private static let longestWait: Int64 = 300
    private static let maxAnswer = 65_536

    func validate() throws {
        if let wait, !(0...86_400).contains(wait) { throw ValidationError("--wait takes 0 to 86400 seconds.") }
    }

    func run() async throws {
        try await reportingFailures {
            let address = try mirror.address()
            // The name under which pools keep it: the URL's last component without anything that a file system could stumble over.
            let path = output ?? String(ObjectKey(url).name)
            let answerTimeout = (wait.map { Int64($0) } ?? Self.longestWait) + Self.patience
            try await HTTPTransport.withClient(readTimeout: answerTimeout) { transport in
                let answer = await ask(address, transport, timeout: answerTimeout)
                if case .refused(let message, let exit) = answer { throw CommandFailure(message, exit: exit) }
                let name = path == "-" ? String(ObjectKey(url).name) : path
                let target = path == "-" ? DownloadTarget() : try DownloadTarget(path: path)
                var download = Download(url, to: target, name: name, transport: transport, isQuiet: quiet)
                try await download.run(answer, mirror: address, pinned: sha256)
            }
        }
    }

    private func ask(_ address: MirrorAddress, _ transport: HTTPTransport, timeout: Int64) async -> MirrorAnswer {
        do {
            let response = try await transport.send(.GET, address.redirect(to: url, pool: pool, wait: wait), timeout: timeout)
            let body = await HTTPTransport.body(of: response, limit: Self.maxAnswer)
            return MirrorAnswer(
                MirrorAnswer.Response(
                    status: Int(response.status.code), field: { response.headers.first(name: $0) }, body: JSONValue.parse(body)))
        } catch {
            return .unusable(reason: error.reason)
        }
    }

    private static func digest(_ text: String) throws -> Digest {
        guard let digest = Digest(.sha256, hex: text) else { throw ValidationError("a SHA-256 is 64 hexadecimal digits") }
        return digest
    }
}
