import ArgumentParser
import MirrorNode
import MirrorStorage

/// `cloud-mirror pools apply`: creates and sets up the buckets of pools.
struct PoolsApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Create the buckets of pools and set them up.",
        discussion: """
            Creates missing buckets, and sets read access, object ownership and lifecycle rules. Shows a plan first, and skips what is \
            already in place; rules and policy statements of others stay. On a terminal it asks for confirmation; elsewhere it only shows the \
            plan, and exits with \(CommandExit.notApplied.rawValue) when there is something to do, unless --yes is given.
            """ + CommandExit.help(.success, .failed, .notApplied, .usage, .configuration))

    @OptionGroup var file: PoolFileOptions

    @Flag(name: [.short, .long], help: "Apply without asking.")
    var yes = false

    func run() async throws {
        try await reportingFailures {
            try await file.withSetup { setup in
                let plans = try await setup.plans()
                for (pool, plan) in plans { Terminal.say("\(pool)\n\(plan.lines.map(\.row).joined())") }
                let hasProblems = plans.contains { $0.plan.hasProblems }
                if plans.contains(where: { $0.plan.apply != nil }) {
                    guard yes || Terminal.confirm("Apply these changes? [y/N] ") else {
                        throw CommandFailure("nothing was changed; --yes applies the plan", exit: .notApplied)
                    }
                    var isDone = true
                    for (pool, plan) in plans {
                        guard let apply = plan.apply else { continue }
                        Terminal.say("\napplying \(pool)\n")
                        // If one pool fails, the others are still set up.
                        let isPoolDone = try await apply { Terminal.say($0.row) }
                        isDone = isDone && isPoolDone
                    }
                    guard isDone else { throw CommandFailure("some changes failed; the lines above say why") }
                }
                if hasProblems { throw CommandFailure("some problems have to be fixed elsewhere; the plan says which") }
            }
        }
    }
}
