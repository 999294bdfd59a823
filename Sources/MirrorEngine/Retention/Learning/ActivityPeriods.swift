import MirrorCore

/// Which of a replica's written uses change the record of its artifact's activity: the first one in each period.
///
/// Changing a record costs more than writing a use, and lives hardly depend on how often a hot replica was used within minutes. Nothing is
/// remembered for this: a use is the first one if the previous one was in another period. All processes divide time alike, but differently for each
/// artifact, so that those that were requested together do not become due together.
struct ActivityPeriods {
    /// How many times as long as ``UseRecorder/coarseness`` a period is.
    static let factor = 10

    /// Milliseconds; 0 if each use has its own.
    private let length: Int64

    /// - Parameters:
    ///   - coarseness: How old a written use must be now before the next one is written.
    ///   - least: The lower bound of that.
    init(coarseness: Duration, least: Duration) {
        var length = (least * Self.factor).wholeMilliseconds
        let limit = (coarseness * Self.factor).wholeMilliseconds
        // Only doubled: where a longer period begins, a shorter one does, too, whoever goes by which.
        while length > 0, length <= limit / 2 { length *= 2 }
        self.length = length
    }

    /// - Parameter lastUsed: When the previous use was, as far as it is known. One in the future is from before the clock was set back; it hides uses
    ///   until the end of its period at most.
    func isFirst(of artifact: ArtifactURL, at time: Timestamp, after lastUsed: Timestamp) -> Bool {
        guard length > 0 else { return true }
        let shift = Int64(artifact.nameHashWords[0] >> 32)
        // A time may be anything that a wrong clock has left, so the sums must not trap.
        return (time.milliseconds &+ shift) / length != (lastUsed.milliseconds &+ shift) / length
    }
}
