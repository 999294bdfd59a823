import CLibrary
import CProcess
/// What a process can ask about itself and decide for itself.
package enum CurrentProcess {
    package static var id: CInt { getpid() }

    /// The number of the account whose rights it has.
    package static var effectiveUser: UInt32 { geteuid() }

    package static func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Whether it has a terminal that it is run from.
    package static var hasTerminal: Bool { c_process_has_terminal() }

    /// Ends it as it is: nothing is taken down in order.
    package static func exitAtOnce(_ code: CInt) -> Never { _exit(code) }

    // MARK: Limits

    /// The processors that it may use: fewer than the machine has where it is pinned; `nil` where that is not known.
    package static var allowedProcessors: Int? {
        let count = Int(c_process_processor_count())
        return count > 0 ? count : nil
    }

    /// Files and connections that it may have open at once, after ``raiseDescriptorLimit()``; `nil` where that is not known.
    package static var maxDescriptorLimit: Int? {
        let limit = c_process_descriptor_limit()
        return limit > 0 ? limit : nil
    }

    /// The limit that shells and service managers set by default is for programs that use `select`, which this one does not.
    package static func raiseDescriptorLimit() {
        c_process_raise_descriptor_limit()
    }

    /// Keeps glibc from giving every thread a heap of its own; does nothing where the allocator has no such limit.
    ///
    /// Large blocks are given back to the system as soon as they are free.
    package static func limitHeaps(to count: Int) {
        c_process_limit_heaps(CInt(clamping: count))
    }
}
