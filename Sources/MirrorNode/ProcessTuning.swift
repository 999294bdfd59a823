import CProcess
import NIOCore

/// What is decided once for the whole process, from where it runs.
enum ProcessTuning {
    /// The processors that this process may use: fewer than the machine has where it is pinned or confined.
    static var processorCount: Int {
        let allowed = Int(c_process_processor_count())
        return allowed > 0 ? min(allowed, System.coreCount) : System.coreCount
    }

    /// Files and connections that this process may have open at once, after ``raiseDescriptorLimit()``; `nil` where that is not known.
    static var descriptorLimit: Int? {
        let limit = c_process_descriptor_limit()
        return limit > 0 ? limit : nil
    }

    /// The limit that shells and service managers set by default is for programs that use `select`, which this one does not.
    static func raiseDescriptorLimit() {
        c_process_raise_descriptor_limit()
    }

    /// Keeps glibc from giving every thread a heap of its own.
    ///
    /// Buffers of a copy are allocated by one thread and freed by another; with many heaps each keeps what it once needed. Two take a fifth
    /// less memory for sixteen copies at once, and cost nothing that was measured. Large blocks, such as the parts of copies, are given back to the
    /// system as soon as they are free.
    static func limitHeaps() {
        c_process_limit_heaps(2)
    }
}
