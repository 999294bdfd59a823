import MirrorSystem
import NIOCore

/// What is decided once for the whole process, from where it runs.
enum ProcessTuning {
    /// The processors that this process may use: fewer than the machine has where it is pinned or confined.
    static var processorCount: Int { min(CurrentProcess.allowedProcessors ?? .max, System.coreCount) }

    /// Buffers of a copy are allocated by one thread and freed by another; with many heaps each keeps what it once needed. Two take a fifth
    /// less memory for sixteen copies at once, and cost nothing that was measured.
    private static let heaps = 2

    static func apply() {
        CurrentProcess.limitHeaps(to: heaps)
        CurrentProcess.raiseDescriptorLimit()
    }
}
