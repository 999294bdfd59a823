import CLibrary

/// Memory that is zero at first, and that the system gives page by page as it is written to.
///
/// Nobody else has it, so that it can be handed on with whoever holds it: it is kept by its address, because pointers say nothing of that.
package struct ZeroedMemory: ~Copyable, Sendable {
    private let address: UInt
    /// What was asked of the system.
    package let allocatedBytes: Int

    package init(bytes: Int) {
        address = UInt(bitPattern: bytes > 0 ? calloc(1, bytes) : nil)
        allocatedBytes = address == 0 ? 0 : bytes
    }

    deinit { free(start) }

    /// `nil` when there is none.
    package var start: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: address) }
}
