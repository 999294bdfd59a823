import MirrorCore
import Synchronization

/// How long the copies of this process took, by the size of the artifact.
package final class CopyDurations: Sendable {
    /// The copies of artifacts up to one size.
    package struct SizeClass: Sendable, Equatable {
        /// The largest size in bytes; `nil` for the class without a limit.
        package let limit: Int64?
        package fileprivate(set) var copies = 0
        /// All bytes of these copies. Floating point, so that no sum overflows: sizes that a service states may be absurd.
        package fileprivate(set) var bytes = 0.0
        /// All their durations together, in seconds.
        package fileprivate(set) var seconds = 0.0
    }

    private static let limits: [Int64?] = [1 << 20, 16 << 20, 256 << 20, 4 << 30, nil]

    private let state = Mutex(limits.map { SizeClass(limit: $0) })

    /// The classes from small to large, also those without a copy.
    package var classes: [SizeClass] { state.withLock { $0 } }

    func add(size: Int64, _ duration: Duration) {
        state.withLock { classes in
            guard let index = classes.firstIndex(where: { $0.limit.map { size <= $0 } ?? true }) else { return }
            classes[index].copies += 1
            classes[index].bytes += Double(size)
            classes[index].seconds += duration.inSeconds
        }
    }
}
