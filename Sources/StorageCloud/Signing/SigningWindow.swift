package import MirrorCore

/// Divides time into windows, so that a signed URL stays the same during one window, whichever node signs it.
///
/// URLs are signed with the time at the beginning of their window. So all nodes return the same URL, which caches between them and clients recognize.
package struct SigningWindow: Sendable, Hashable {
    /// When a signed URL starts and stops working. It depends only on the window, not on the time within it.
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

    /// The beginning of the window that contains a time; windows are counted from 1970.
    package func start(of time: Timestamp) -> Timestamp {
        let length = length.wholeMilliseconds
        let rest = time.milliseconds % length
        return Timestamp(milliseconds: time.milliseconds - (rest < 0 ? rest + length : rest))
    }

    /// How long a URL that is signed with the beginning of a window must be valid, to work for `life` from every time in the window.
    package func life(atLeast life: Duration) -> Duration { length + life }

    /// The validity of a URL that must work for at least `life`, up to the last moment of the window.
    ///
    /// - Parameters:
    ///   - now: By the service's clock.
    ///   - longest: The longest validity that the service allows.
    ///   - end: When the signing credentials expire; limits the validity, too.
    /// - Returns: `nil` if it would end within a second.
    package func validity(for life: Duration, at now: Timestamp, longest: Duration, until end: Timestamp? = nil) -> Validity? {
        let start = start(of: now)
        // Signatures have whole seconds.
        let asked = Duration.seconds((min(life, longest).wholeMilliseconds + 999) / 1_000)
        let allowed = min(self.life(atLeast: asked), longest, end.map { start.duration(to: $0) } ?? longest)
        let validity = Validity(start: start, life: .seconds(allowed.wholeMilliseconds / 1_000))
        return now.duration(to: validity.end) >= .seconds(1) ? validity : nil
    }
}
