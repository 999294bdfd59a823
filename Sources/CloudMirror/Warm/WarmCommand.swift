import ArgumentParser
import MirrorCore
import NIOHTTP1

/// `cloud-mirror warm`: queues copies before they are requested.
struct WarmCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "warm",
        abstract: "Queue copies of artifacts before anyone requests them.",
        discussion: """
            The copies are made in the background; 'cloud-mirror replicas' shows their progress. Exits with 1 when a URL was refused or could not \
            be queued; standard error names each one and the reason. The others are still queued.
            """ + CommandExit.help(.success, .failed, .usage, .unreachable))

    @Argument(help: "URLs of artifacts; - reads them from standard input.")
    var urls: [String] = []

    @OptionGroup var list: URLListOptions

    @Option(
        help: ArgumentHelp("A pool to copy into; may be given more than once (default: all pools).", valueName: "service/region"),
        completion: PoolCompletion.kind)
    var pool: [PoolID] = []

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        try list.requireURLs(besides: urls.count)
        for url in urls where url != "-" {
            do { _ = try ArtifactURL(url) } catch { throw ValidationError("'\(TextTable.printable(url))' is not a URL: \(error.reason)") }
        }
    }

    func run() async throws {
        try await reportingFailures {
            var list = WarmList(urls: urls.filter { $0 != "-" })
            for file in self.list.from + urls.filter({ $0 == "-" }) { try list.read(file) }
            try await admin.withClient { try await warm(list, $0) }
        }
    }

    private func warm(_ list: WarmList, _ client: AdminClient) async throws {
        for problem in list.problems { Terminal.note(problem) }
        var report = WarmReport(artifacts: list.urls.count)
        var failure: CommandFailure?
        do throws(CommandFailure) {
            for batch in list.batches {
                let request = WarmCall.Request(urls: batch, pools: pool.isEmpty ? nil : pool.map(\.description))
                let answer: WarmCall.Answer = try await client.call(client.address.warm, .POST, body: request)
                report.add(answer, to: request)
            }
        } catch {
            failure = error
        }
        // Results from before a call failed are still shown.
        if failure == nil || !report.replicas.isEmpty { print(admin.json ? report.json : report.summary) }
        for item in report.notTaken { Terminal.note(WarmReport.line(item)) }
        if let failure = failure ?? report.failure(invalid: list.problems.count) { throw failure }
    }
}
