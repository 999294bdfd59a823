package import CLibrary
import CProcess

// System calls under names that methods do not shadow.

func systemOpen(_ path: String, _ flags: CInt, _ mode: mode_t) -> CInt { open(path, flags, mode) }

func systemOpenAt(_ directory: CInt, _ name: String, _ flags: CInt, _ mode: mode_t) -> CInt { openat(directory, name, flags, mode) }

func systemRename(_ path: String, _ newPath: String) -> CInt { rename(path, newPath) }

package func systemRead(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}

#if !canImport(Darwin)
    /// Closes all descriptors from `first` on in a program that is spawned with `actions`. Does nothing if the C library has no such call (Musl).
    package func systemCloseAll(from first: CInt, in actions: inout posix_spawn_file_actions_t) {
        c_process_close_all(first, &actions)
    }
#endif

/// Closes a descriptor that other code opened; our own are ``Descriptor``s.
package func systemClose(_ descriptor: CInt) { close(descriptor) }

/// Writes all of `bytes`; waits if a non-blocking descriptor has no room.
///
/// - Returns: The number of bytes written, and why not all of them were.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> (written: Int, error: Errno?) {
    var written = 0
    while written < bytes.count {
        let count = write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
        guard count <= 0 else {
            written += count
            continue
        }
        let error = count < 0 ? Errno.last : .ioError
        switch error {
        case .interrupted: continue
        case .wouldBlock:
            // Another process has made the pipe non-blocking.
            var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = poll(&room, 1, -1)
        default: return (written, error)
        }
    }
    return (written, nil)
}

/// Reads to the end.
///
/// - Parameter limit: Bytes.
/// - Returns: `nil` if there are more.
func readAll(from descriptor: CInt, limit: Int) throws(Errno) -> [UInt8]? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = try retryingInterrupts { chunk.withUnsafeMutableBytes { systemRead(descriptor, $0) } }
        if count == 0 { return bytes }
        bytes.append(contentsOf: chunk[..<count])
        guard bytes.count <= limit else { return nil }
    }
}
