import ArgumentParser
import MirrorCore

/// `cloud-mirror top`: shows line by line what the mirror is doing.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what the mirror is doing, until it is interrupted.",
        discussion: """
            Prints one line for each interval: answers per second by outcome, waiting requests, copies that are running and queued, bytes copied per \
            second, and bytes per second that hits did not fetch from their origin. The columns of copies are those of this process.
            """ + CommandExit.help(.success, .failed, .usage, .unreachable))

    @Option(help: ArgumentHelp("Time between two lines.", valueName: "seconds"))
    var interval = 2

    @Option(help: ArgumentHelp("How many lines to print (default: until interrupted).", valueName: "number"))
    var count: Int?

    @OptionGroup var admin: AdminOptions

    func validate() throws {
        guard (1...3_600).contains(interval) else { throw ValidationError("--interval takes 1 to 3600 seconds.") }
        if let count, count < 1 { throw ValidationError("--count takes 1 or more.") }
        if admin.json { throw ValidationError("top prints no JSON; 'cloud-mirror stats --json' does.") }
    }

    func run() async throws {
        let clock = SystemClock()
        try await admin.withClient { client in
            var report = TopReport()
            var (last, at) = (try await Self.stats(client), clock.instant)
            var lines = 0
            while count.map({ lines < $0 }) ?? true {
                try await clock.sleep(for: .seconds(interval))
                let (next, now) = (try await Self.stats(client), clock.instant)
                Terminal.say(report.lines(from: last, to: next, in: at.duration(to: now)))
                (last, at) = (next, now)
                lines += 1
            }
        }
    }

    private static func stats(_ client: AdminClient) async throws(CommandFailure) -> StatsCall.Answer {
        try await client.call(client.address.stats)
    }
}
