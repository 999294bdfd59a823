import MirrorEngine
import MirrorState

/// What a process is there for, in the words of the log.
package enum ProcessRole: String, Sendable {
    /// Answers requests; copies as `copy.frontEnd` says.
    case frontEnd = "front end"
    /// Copies into its pools, and answers only about itself.
    case copier

    var servesArtifacts: Bool { self == .frontEnd }

    /// - Parameter registry: Where copiers of other processes are known.
    /// - Returns: `nil` when the process copies nothing.
    func duty(_ registry: (any CopierRegistry)?, _ configuration: Configuration) -> CopyDuty? {
        switch (self, configuration.copy.frontEnd) {
        case (.copier, _), (.frontEnd, .always): .always
        case (.frontEnd, .never): nil
        case (.frontEnd, .auto): registry.map { .withoutCopiers($0, patience: configuration.copy.lease / 2) } ?? .always
        }
    }
}
