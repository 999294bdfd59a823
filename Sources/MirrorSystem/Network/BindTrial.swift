import CLibrary

/// Tests whether a listener can be opened: binds a socket as a server does, and releases it at once.
package enum BindTrial: Equatable, Sendable {
    case possible
    case unknownHost
    case failed(Errno)

    package init(host: String, port: Int) {
        var hints = addrinfo()
        hints.ai_socktype = streamSocket
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0, let first = list else {
            self = .unknownHost
            return
        }
        defer { freeaddrinfo(first) }
        let descriptor = socket(first.pointee.ai_family, streamSocket, 0)
        guard descriptor >= 0 else {
            self = .failed(.last)
            return
        }
        defer { close(descriptor) }
        var yes: CInt = 1
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        self = bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 ? .possible : .failed(.last)
    }
}
