#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import MirrorServer

/// Whether a listener could be opened: binds a socket as the server does, and lets it go at once.
enum ListenCheck {
    static func finding(_ address: ListenAddress, key: String) -> Finding? {
        guard address.port != 0 else { return nil }
        var hints = addrinfo()
        hints.ai_socktype = streamSocket
        hints.ai_flags = AI_PASSIVE
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, "\(address.port)", &hints, &list) == 0, let first = list else {
            return Finding(
                severity: .fatal, key: key, text: "cannot listen on \(address): \(ListenError.unknownHost); choose another address")
        }
        defer { freeaddrinfo(first) }
        let descriptor = socket(first.pointee.ai_family, streamSocket, 0)
        guard descriptor >= 0 else { return finding(address, key, errno) }
        defer { close(descriptor) }
        var yes: CInt = 1
        _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        guard bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) != 0 else { return nil }
        return finding(address, key, errno)
    }

    private static func finding(_ address: ListenAddress, _ key: String, _ error: CInt) -> Finding {
        let reason = "cannot listen on \(address): \(ListenError.words(error))"
        // It may be the service itself that runs there.
        return error == EADDRINUSE
            ? Finding(severity: .warning, key: key, text: "\(reason); if that is not this service, stop it or choose another address")
            : Finding(severity: .fatal, key: key, text: "\(reason); choose another address")
    }

    #if os(Linux)
        private static var streamSocket: CInt { CInt(SOCK_STREAM.rawValue) }
    #else
        private static var streamSocket: CInt { SOCK_STREAM }
    #endif
}
