import CLibrary
import CProcess
/// Information about this process, and settings that it can change.
package enum CurrentProcess {
    package static var id: CInt { getpid() }

    /// The account whose permissions it has.
    package static var effectiveUser: UInt32 { geteuid() }

    package static func environmentVariable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    /// Whether it has a controlling terminal.
    package static var hasTerminal: Bool { c_process_has_terminal() }

    /// Exits at once, without cleanup.
    package static func exitAtOnce(_ code: CInt) -> Never { _exit(code) }

    // MARK: Limits

    /// The processors that it may use; fewer than the machine has if it is pinned; `nil` if unknown.
    package static var allowedProcessors: Int? {
        let count = Int(c_process_processor_count())
        return count > 0 ? count : nil
    }

    /// How many files and connections it may have open after ``raiseDescriptorLimit()``; `nil` if unknown.
    package static var maxDescriptorLimit: Int? {
        let limit = c_process_descriptor_limit()
        return limit > 0 ? limit : nil
    }

    /// The default limit of shells and service managers is meant for programs that use `select`, which this one does not.
    package static func raiseDescriptorLimit() {
        c_process_raise_descriptor_limit()
    }

    /// Prevents glibc from creating a heap for every thread; does nothing if the allocator has no such limit.
    ///
    /// Large blocks are returned to the system as soon as they are freed.
    package static func limitHeaps(to count: Int) {
        c_process_limit_heaps(CInt(clamping: count))
    }
}
