import CLibrary

/// Memory that is zero at first, and that the system allocates page by page as it is written.
///
/// It has a single owner, so it may move to another task with it. It is stored as an address, because pointers are not `Sendable`.
package struct ZeroedMemory: ~Copyable, Sendable {
    private let address: UInt
    /// Bytes requested from the system.
    package let allocatedBytes: Int

    package init(bytes: Int) {
        address = UInt(bitPattern: bytes > 0 ? calloc(1, bytes) : nil)
        allocatedBytes = address == 0 ? 0 : bytes
    }

    deinit { free(start) }

    /// `nil` if there is no memory.
    package var start: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: address) }
}
