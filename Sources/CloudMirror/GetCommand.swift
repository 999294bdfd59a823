import ArgumentParser
import MirrorCore

/// `cloud-mirror get`: one artifact, through the mirror.
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Download an artifact through a mirror.",
        discussion: """
            Asks the mirror for the nearest copy, downloads it to FILE.part, checks its length and SHA-256, and then renames it to FILE. An \
            interrupted download is continued. An output that is not a regular file, such as a pipe or a device, is written directly. A mirror \
            that is unreachable or failing is not an error: the artifact is then downloaded from its origin.
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

    @Option(help: ArgumentHelp("The expected SHA-256, as 64 hexadecimal digits.", valueName: "hex"), transform: Self.digest)
    var sha256: Digest?

    @Option(
        help: ArgumentHelp("How long the mirror may take to make a first copy (default: the mirror's own setting).", valueName: "seconds"))
    var wait: Int?

    @Flag(name: [.short, .long], help: "Print errors only.")
    var quiet = false

    func validate() throws {
        if let wait, !(0...86_400).contains(wait) { throw ValidationError("--wait takes 0 to 86400 seconds.") }
        if output == "" { throw ValidationError("--output takes the name of a file, or -.") }
    }

    func run() async throws {
        try await reportingFailures {
            // The name under which pools keep it: the URL's last component without anything that a file system could stumble over.
            let name = String(ObjectKey(url).name)
            let path = output ?? name
            let place = try OutputPlace(path)
            let inquiry = MirrorInquiry(artifact: url, address: try mirror.address(), pool: pool, wait: wait, isQuiet: quiet)
            try await HTTPTransport.withClient(readTimeout: inquiry.timeout) { transport in
                let answer = await inquiry.ask(transport)
                if case .refused(let message, let exit) = answer { throw CommandFailure(message, exit: exit) }
                var download = Download(
                    inquiry, to: try DownloadTarget.open(place), name: path == "-" ? name : path, transport: transport, isQuiet: quiet)
                try await download.run(answer, pinned: sha256)
            }
        }
    }

    private static func digest(_ text: String) throws -> Digest {
        guard let digest = Digest(.sha256, hex: text) else { throw ValidationError("a SHA-256 is 64 hexadecimal digits") }
        return digest
    }
}
