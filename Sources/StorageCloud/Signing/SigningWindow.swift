package import MirrorCore

/// Cuts time into windows, so that an address that is signed anew stays the same for the length of one, whoever signs it.
///
/// Addresses are signed as at the beginning of their window. So all nodes give one address, which caches on the way to clients know again.
package struct SigningWindow: Sendable, Hashable {
    /// When a signed address begins and ends to work. It depends on the window, and not on the moment in it.
    package struct Validity: Sendable, Hashable {
        /// The beginning of the window.
        package let start: Timestamp
        /// Whole seconds, 1 or more.
        package let life: Duration

        package var end: Timestamp { start + life }
    }

    package let length: Duration

    /// - Parameter length: Whole seconds, 1 or more.
    package init(length: Duration = .seconds(300)) {
        self.length = max(length, .seconds(1))
    }

    /// The beginning of the window that a moment lies in; windows are counted from 1970.
    package func start(of time: Timestamp) -> Timestamp {
        let length = length.wholeMilliseconds
        let rest = time.milliseconds % length
        return Timestamp(milliseconds: time.milliseconds - (rest < 0 ? rest + length : rest))
    }

    /// How long an address that is signed as at the beginning of a window must last for it to work for `life` at every moment of the window.
    package func life(atLeast life: Duration) -> Duration { length + life }

    /// What an address is signed for that is to work for `life` at least, up to the last moment of the window.
    ///
    /// - Parameters:
    ///   - now: By the service's clock.
    ///   - longest: What the service allows; cuts the life off.
    ///   - end: Of what it is signed with; cuts the life off, too.
    /// - Returns: `nil` where it would end within a second.
    package func validity(for life: Duration, at now: Timestamp, longest: Duration, until end: Timestamp? = nil) -> Validity? {
        let start = start(of: now)
        // Signatures have whole seconds.
        let asked = Duration.seconds((min(life, longest).wholeMilliseconds + 999) / 1_000)
        let allowed = min(self.life(atLeast: asked), longest, end.map { start.duration(to: $0) } ?? longest)
        let validity = Validity(start: start, life: .seconds(allowed.wholeMilliseconds / 1_000))
        return now.duration(to: validity.end) >= .seconds(1) ? validity : nil
    }
}
