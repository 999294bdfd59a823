import MirrorEngine
import MirrorState

/// What a process does, in the words of the log.
package enum ProcessRole: String, Sendable {
    /// Answers requests; copies if `copy.frontEnd` says so.
    case frontEnd = "front end"
    /// Copies into its pools, and answers only requests about itself.
    case copier

    var servesArtifacts: Bool { self == .frontEnd }

    /// - Parameter registry: Lists the copiers among the other processes.
    /// - Returns: `nil` if the process copies nothing.
    func duty(_ registry: (any CopierRegistry)?, _ configuration: Configuration) -> CopyDuty? {
        switch (self, configuration.copy.frontEnd) {
        case (.copier, _), (.frontEnd, .always): .always
        case (.frontEnd, .never): nil
        case (.frontEnd, .auto): registry.map { .withoutCopiers($0, patience: configuration.copy.lease / 2) } ?? .always
        }
    }
}
