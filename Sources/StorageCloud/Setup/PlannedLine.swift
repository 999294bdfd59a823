package import MirrorStorage

/// One aspect of a bucket, and what has to be done about it for a pool.
package struct PlannedLine<Step: Sendable & Equatable>: Sendable, Equatable {
    package var mark: SetupLine.Mark
    package var text: String
    /// The step to perform when the plan is applied.
    package var step: Step?

    package var line: SetupLine { SetupLine(mark, text) }
}

extension Sequence {
    /// Performs the planned steps one after the other.
    ///
    /// - Parameters:
    ///   - report: Called with the result of each line that has a step.
    ///   - endsAll: Whether nothing more can be done after a step has failed.
    ///   - perform: Performs a step; returns why it failed and what to do, or `nil`.
    /// - Returns: Whether everything was done.
    package func apply<Step>(
        report: (SetupLine) -> Void, endsAll: (Step) -> Bool = { _ in false }, perform: (Step) async throws -> String?
    ) async throws -> Bool where Element == PlannedLine<Step> {
        var isDone = true
        for line in self {
            guard let step = line.step else { continue }
            guard let reason = try await perform(step) else {
                report(SetupLine(.done, line.text))
                continue
            }
            isDone = false
            report(SetupLine(.failed, "\(line.text): \(reason)"))
            if endsAll(step) { break }
        }
        return isDone
    }
}
