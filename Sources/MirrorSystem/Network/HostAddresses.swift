import CLibrary
package import MirrorCore

/// Looks up the addresses of a name with the operating system (getaddrinfo(3)).
package enum HostAddresses {
    package enum Failure: Error {
        /// No name server answered.
        case unanswered
        case unknown
    }

    /// Blocks.
    ///
    /// - Parameter limit: The maximum number of addresses; an answer may have thousands.
    /// - Returns: At least one address, and no duplicates.
    package static func lookUp(_ name: String, limit: Int) throws(Failure) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        // One entry for each address, not for each socket type.
        hints.ai_socktype = streamSocket
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        switch status {
        case 0: break
        case EAI_AGAIN: throw .unanswered
        default: throw .unknown
        }
        var addresses: [IPAddress] = []
        var entry = list
        while let current = entry?.pointee, addresses.count < limit {
            if let address = IPAddress(current), !addresses.contains(address) { addresses.append(address) }
            entry = current.ai_next
        }
        guard !addresses.isEmpty else { throw .unknown }
        return addresses
    }
}

// `SOCK_STREAM`, whose type differs between C libraries.
#if canImport(Glibc)
    let streamSocket = CInt(SOCK_STREAM.rawValue)
#else
    let streamSocket = SOCK_STREAM
#endif

extension IPAddress {
    fileprivate init?(_ entry: addrinfo) {
        guard let raw = UnsafeRawPointer(entry.ai_addr) else { return nil }
        let bytes: [UInt8]
        switch entry.ai_family {
        case AF_INET: bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in.self).sin_addr, Array.init)
        case AF_INET6: bytes = withUnsafeBytes(of: raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr, Array.init)
        default: return nil
        }
        self.init(bytes: bytes)
    }
}
