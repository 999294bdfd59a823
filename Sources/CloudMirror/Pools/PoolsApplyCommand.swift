import ArgumentParser
import MirrorNode
import MirrorStorage

/// `cloud-mirror pools apply`: buckets as the pools want them.
struct PoolsApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Make the buckets of pools, and set them up.",
        discussion: """
            Makes buckets that are missing, and sets who may read, object ownership and lifecycle rules. Shows a plan first, and does nothing that \
            is done already; rules and policy statements of others stay. On a terminal it asks; elsewhere it shows the plan alone, and exits \
            with \(CommandExit.notApplied.rawValue) when there is something to do, unless --yes is given.
            """)

    @OptionGroup var file: PoolFileOptions

    @Flag(name: [.short, .long], help: "Do not ask.")
    var yes = false

    func run() async throws {
        try await reportingFailures {
            try await file.withSetup { setup in
                let plans = try await setup.plans()
                for plan in plans { Terminal.say("\(plan.pool)\n\(plan.plan.lines.map(\.row).joined())") }
                let hasProblems = plans.contains { $0.plan.hasProblems }
                if plans.contains(where: { $0.plan.apply != nil }) {
                    guard yes || Terminal.confirm("Apply these changes? [y/N] ") else {
                        throw CommandFailure("nothing was changed; --yes applies the plan", exit: .notApplied)
                    }
                    var isDone = true
                    for plan in plans {
                        guard let apply = plan.plan.apply else { continue }
                        Terminal.say("\napplying \(plan.pool)\n")
                        // Whatever happens to one pool, the others get what is theirs.
                        let isPoolDone = try await apply { Terminal.say($0.row) }
                        isDone = isDone && isPoolDone
                    }
                    guard isDone else { throw CommandFailure("not all of it could be done; the lines above say why") }
                }
                if hasProblems { throw CommandFailure("some things have to be put right elsewhere; the plan says what") }
            }
        }
    }
}
