import Foundation
import Synchronization

/// How much the fuzz tests try: what `make fuzz` says in the environment, or else a few thousand inputs, the same in each run.
package struct FuzzSettings: Sendable {
    package static let current = FuzzSettings(ProcessInfo.processInfo.environment)

    package let seed: UInt64
    /// Whether somebody asked for this run, and reads what it did.
    package let isAskedFor: Bool
    private let executions: Int?
    private let seconds: Double?
    /// Targets that were asked for; `nil` for all.
    package let names: [String]?

    private init(_ environment: [String: String]) {
        executions = environment["CLOUD_MIRROR_FUZZ_EXECUTIONS"].flatMap { Int($0) }
        seconds = environment["CLOUD_MIRROR_FUZZ_SECONDS"].flatMap(Double.init)
        names = environment["CLOUD_MIRROR_FUZZ_TARGETS"]?.split(separator: " ").map { String($0) }
        isAskedFor = executions != nil || seconds != nil
        seed = environment["CLOUD_MIRROR_FUZZ_SEED"].flatMap { UInt64($0) } ?? (isAskedFor ? UInt64.random(in: 1...1_000_000) : 1)
    }

    /// Those that were asked for by name, or all.
    package func chosen<Target>(_ targets: [Target], name: (Target) -> String) -> [Target] {
        guard let names else { return targets }
        return targets.filter { names.contains(name($0)) }
    }

    /// - Parameter usual: Inputs where nobody said how many.
    /// - Parameter part: One in so many of the inputs, or of the seconds.
    package func budget(usual: Int = 3_000, part: Int = 1) -> FuzzBudget {
        if let executions { return FuzzBudget(executions: executions / part, end: nil) }
        if let seconds { return FuzzBudget(executions: .max, end: .now + .seconds(seconds / Double(part))) }
        return FuzzBudget(executions: usual / part, end: nil)
    }
}

/// What is left to be tried, for all who try at the same time.
package final class FuzzBudget: Sendable {
    private let executions: Int
    private let end: ContinuousClock.Instant?
    private let taken = Atomic(0)

    fileprivate init(executions: Int, end: ContinuousClock.Instant?) {
        self.executions = executions
        self.end = end
    }

    /// Whether there is one more to try.
    package func take() -> Bool {
        if let end, ContinuousClock.now >= end { return false }
        return taken.add(1, ordering: .relaxed).newValue <= executions
    }

    /// How many were tried.
    package var count: Int { min(taken.load(ordering: .relaxed), executions) }
}
