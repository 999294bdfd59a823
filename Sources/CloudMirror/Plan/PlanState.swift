import Retention

/// The state of a plan in progress, which all logs share.
final class PlanState {
    private var tally: PlanTally

    init(_ options: PlanOptions, classRule: ClassRule) throws {
        tally = try PlanTally(options, classRule: classRule)
    }

    /// See ``PlanTally/register(_:bytes:)``.
    func register(_ name: LogBytes, bytes: Int64) -> Int { tally.register(name, bytes: bytes) }

    /// Adds the last use that the log has read.
    func use(_ source: any LogSource) throws { try tally.use(source.use, artifact: source.artifact) }

    /// - Returns: `nil` if there were no uses.
    func end(lines: LineCounts) -> PlanResult? { tally.end(lines: lines) }
}
