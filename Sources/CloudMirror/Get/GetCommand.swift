import ArgumentParser
import MirrorCore

/// `cloud-mirror get`: downloads artifacts through the mirror.
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Download artifacts through a mirror.",
        discussion: """
            Asks the mirror for the nearest copy, downloads it to FILE.part, checks its length and SHA-256, and then renames it to FILE. An \
            interrupted download is continued. An output that is not a regular file, such as a pipe or a device, is written directly. A mirror \
            that is unreachable or failing is not an error: the artifact is then downloaded from its origin. Several artifacts are downloaded one \
            after the other; one that fails does not keep the others from being downloaded.
            """ + CommandExit.help(.success, .failed, .notAvailable, .digestMismatch, .usage))

    @Argument(help: "The artifacts' URLs.", transform: { try ArtifactURL($0) })
    var urls: [ArtifactURL] = []

    @OptionGroup var list: URLListOptions

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Where to write; - is standard output (default: the URL's last component).", valueName: "file"),
        completion: .file())
    var output: String?

    @Option(
        name: [.customShort("P"), .long],
        help: ArgumentHelp("The directory to write to (default: the current one).", valueName: "directory"),
        completion: .directory)
    var directory: String?

    @OptionGroup var mirror: MirrorOptions

    @OptionGroup var copy: CopyOptions

    @Option(help: ArgumentHelp("The expected SHA-256, as 64 hexadecimal digits.", valueName: "hex"), transform: Self.digest)
    var sha256: Digest?

    @Flag(name: [.short, .long], help: "Print errors only.")
    var quiet = false

    func validate() throws {
        try list.requireURLs(besides: urls.count)
        if urls.count > 1 || !list.from.isEmpty, output != nil || sha256 != nil {
            throw ValidationError("--output and --sha256 are for one artifact; --directory is for many.")
        }
        if output != nil, directory != nil { throw ValidationError("Give --output or --directory, not both.") }
        if output == "" { throw ValidationError("--output takes the name of a file, or -.") }
    }

    func run() async throws {
        try await reportingFailures {
            var list = WarmList(urls: [])
            for file in self.list.from { try list.read(file) }
            let artifacts = try urls + list.urls.map { try ArtifactURL($0) }
            let paths = try self.paths(of: artifacts)
            for problem in list.problems { Terminal.note(problem) }
            var failures: [CommandFailure] = list.problems.map { CommandFailure($0) }
            for (artifact, path) in zip(artifacts, paths) {
                do throws(CommandFailure) {
                    try await download(artifact, to: path)
                } catch {
                    // A single artifact's failure is thrown as it is; with several artifacts, each message names its own.
                    guard artifacts.count + list.problems.count > 1 else { throw error }
                    Terminal.note("\(artifact.redacted): \(error.message)")
                    failures.append(error)
                }
            }
            guard let first = failures.first else { return }
            // The exit code that all failures share, if any.
            let exit = failures.allSatisfy { $0.exit == first.exit } ? first.exit : .failed
            throw CommandFailure("\(failures.count) of \(artifacts.count + list.problems.count) artifacts were not downloaded", exit: exit)
        }
    }

    /// The output path of each artifact: the last component of its URL, cleaned up for file systems, as in the artifact's key in a pool.
    private func paths(of artifacts: [ArtifactURL]) throws(CommandFailure) -> [String] {
        if let output { return [output] }
        var taken: [String: ArtifactURL] = [:]
        var paths: [String] = []
        for artifact in artifacts {
            let name = String(ObjectKey(artifact).name)
            if let other = taken.updateValue(artifact, forKey: name), other != artifact {
                throw CommandFailure("\(other.redacted) and \(artifact.redacted) would both be written to \(name)", exit: .usage)
            }
            paths.append(directory.map { "\($0)/\(name)" } ?? name)
        }
        return paths
    }

    private func download(_ artifact: ArtifactURL, to path: String) async throws(CommandFailure) {
        do {
            let place = try OutputPlace(path)
            let inquiry = MirrorInquiry(artifact: artifact, address: try mirror.address(), pool: copy.pool, wait: copy.wait, isQuiet: quiet)
            try await HTTPTransport.withClient(readTimeout: inquiry.timeout) { transport in
                let answer = await inquiry.ask(transport)
                if case .refused(let message, let exit) = answer { throw CommandFailure(message, exit: exit) }
                let name = path == "-" ? String(ObjectKey(artifact).name) : path
                var download = Download(inquiry, to: try DownloadTarget.open(place), name: name, transport: transport, isQuiet: quiet)
                try await download.run(answer, pinned: sha256)
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private static func digest(_ text: String) throws -> Digest {
        guard let digest = Digest(.sha256, hex: text) else { throw ValidationError("a SHA-256 is 64 hexadecimal digits") }
        return digest
    }
}
