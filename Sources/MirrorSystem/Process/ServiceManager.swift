import CLibrary

/// The service manager that started the process, if it wants status messages: systemd, for a unit with `Type=notify`.
///
/// - SeeAlso: sd_notify(3).
package struct ServiceManager: Sendable {
    package enum State: Sendable {
        /// The service works: after the start, and after each reload.
        case ready
        case reloading
        case stopping
    }

    private let path: String

    /// - Parameter path: A socket's path, or a name in the abstract namespace that begins with `@`.
    /// - Returns: `nil` for anything that cannot be the address of a socket.
    package init?(path: String) {
        guard path.hasPrefix("/") || path.hasPrefix("@"), path.utf8.count > 1, path.utf8.count < Self.maxLength else { return nil }
        self.path = path
    }

    /// The one that the environment names; `nil` if there is none.
    package static var current: ServiceManager? {
        CurrentProcess.environmentVariable("NOTIFY_SOCKET").flatMap { ServiceManager(path: $0) }
    }

    /// Sends one message. Errors are ignored, as the protocol says; the manager has to notice them.
    package func notify(_ state: State) {
        let descriptor = socket(AF_UNIX, datagramSocket, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // A hanging manager must not delay the service.
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        _ = setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: path.utf8)
            if path.hasPrefix("@") { bytes[0] = 0 }
        }
        // A name in the abstract namespace extends to the end of the address.
        let length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 0) + socklen_t(path.utf8.count)
        let text = Self.text(state)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(descriptor, text, text.utf8.count, 0, address, length)
            }
        }
    }

    private static var maxLength: Int { MemoryLayout.size(ofValue: sockaddr_un().sun_path) }

    private static func text(_ state: State) -> String {
        switch state {
        case .ready: return "READY=1"
        case .stopping: return "STOPPING=1"
        case .reloading:
            // Lets the manager distinguish the end of this reload from that of an earlier one.
            var now = timespec()
            clock_gettime(CLOCK_MONOTONIC, &now)
            return "RELOADING=1\nMONOTONIC_USEC=\(Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000)"
        }
    }
}

// `SOCK_DGRAM`, whose type differs between C libraries.
#if canImport(Glibc)
    private let datagramSocket = CInt(SOCK_DGRAM.rawValue)
#else
    private let datagramSocket = SOCK_DGRAM
#endif
