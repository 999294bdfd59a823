import CLibrary

/// Memory that is zero at first, and that the system allocates page by page as it is written.
///
/// It has a single owner, so it may move to another task with it. It is stored as an address, because pointers are not `Sendable`.
package struct ZeroedMemory: ~Copyable, Sendable {
    private let address: UInt
    /// Bytes requested from the system.
    package let allocatedBytes: Int

    package init(bytes: Int) {
        // Straight from the kernel: memory that the C library has used before would have to be zeroed, and so be taken, at once.
        let memory = bytes > 0 ? mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0) : MAP_FAILED
        address = memory == MAP_FAILED ? 0 : UInt(bitPattern: memory)
        allocatedBytes = address == 0 ? 0 : bytes
    }

    deinit {
        if let start { munmap(start, allocatedBytes) }
    }

    /// `nil` if there is no memory.
    package var start: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: address) }
}
