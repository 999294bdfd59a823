package import MirrorCore

/// Cuts time into windows, so that an address that is signed anew stays the same for the length of one, whoever signs it.
///
/// Addresses are signed as at the beginning of their window. So all nodes give one address, which caches on the way to clients know again.
package struct SigningWindow: Sendable, Hashable {
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
}
