import ArgumentParser
import MirrorNode
import MirrorCore

/// `cloud-mirror pools check`: reports what is wrong with pools.
struct PoolsCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Test everything that pools need, and report what is wrong.",
        discussion: """
            Prints one line for each check: credentials, endpoint, clock, region, bucket, permissions, what clients may do, lifecycle rules. \
            Writes small objects under the name cloud-mirror-probe-may-be-deleted/… and removes them. Run it where the service runs: elsewhere \
            the credentials and the network may be different.
            """ + CommandExit.help(.success, .failed, .usage, .configuration))

    @OptionGroup var file: PoolFileOptions

    func run() async throws {
        try await reportingFailures {
            let isFine = try await file.withSetup { try await Self.check($0) }
            guard isFine else { throw CommandFailure("something is wrong; the lines above say what") }
        }
    }

    /// - Returns: Whether nothing is wrong.
    static func check(_ setup: PoolSetup) async throws -> Bool {
        let together = setup.checkTogether()
        if !together.lines.isEmpty { Terminal.say("configuration\n\(together.lines.map(\.row).joined())") }
        var last: PoolID?
        let arePoolsFine = try await setup.check { pool, line in
            if pool != last { Terminal.say("\(pool)\n") }
            last = pool
            Terminal.say(line.row)
        }
        return together.isFine && arePoolsFine
    }
}
