import MirrorSystem
import NIOCore

/// Settings of the whole process that depend on the machine.
enum ProcessTuning {
    /// The processors that this process may use; fewer than the machine has if the process is pinned or confined.
    static var processorCount: Int { min(CurrentProcess.allowedProcessors ?? .max, System.coreCount) }

    /// A copy's buffers are allocated by one thread and freed by another. With many heaps, each keeps the most memory it ever needed. Two heaps use
    /// a fifth less memory for sixteen concurrent copies, at no measurable cost.
    private static let heaps = 2

    static func apply() {
        CurrentProcess.limitHeaps(to: heaps)
        CurrentProcess.raiseDescriptorLimit()
    }
}
