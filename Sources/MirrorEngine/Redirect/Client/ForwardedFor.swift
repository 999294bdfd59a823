package import MirrorCore

/// Finds out who sent a request: reads `X-Forwarded-For` or `Forwarded` fields in their order, and keeps nothing of them but an address.
///
/// They count only as far as trusted proxies wrote them: the client is the rightmost element that is not the address of a trusted proxy. Behind an
/// element that does not tell an address nothing counts, so that the client is the proxy that wrote it.
package struct ForwardedFor {
    let header: ProxyHeader
    let trustedProxies: [IPNetwork]
    /// The client, if whoever wrote the next element is trusted; `nil` when the client is whoever writes it.
    package private(set) var client: IPAddress?

    init(_ header: ProxyHeader, trustedProxies: [IPNetwork]) {
        self.header = header
        self.trustedProxies = trustedProxies
    }

    /// - Parameter value: Of a field. Empty elements are skipped (RFC 9110 §5.6.1.2).
    package mutating func read(_ value: UnsafeRawBufferPointer) {
        var start = value.startIndex
        while start < value.endIndex {
            // By bytes: what a client has put in front may hold characters that others combine with. Also within quotes: no address has a comma, and a client's
            // quote that does not end must not hide what a proxy wrote behind it.
            let end = value[start...].firstIndex(of: UInt8(ascii: ",")) ?? value.endIndex
            if let node = node(value[start..<end]) { add(node.address) }
            start = end + 1
        }
    }

    /// - Returns: `nil` for an empty element.
    private func node(_ element: Slice<UnsafeRawBufferPointer>) -> ForwardedNode? {
        switch header {
        case .xForwardedFor: ForwardedNode(element)
        case .forwarded: ForwardedNode(pairs: element)
        }
    }

    private mutating func add(_ address: IPAddress?) {
        // A trusted proxy's address changes nothing: what it wrote about the client stands.
        if let address, client != nil, trustedProxies.contains(address) { return }
        client = address
    }
}

extension [IPNetwork] {
    func contains(_ address: IPAddress) -> Bool {
        contains(where: { $0.contains(address) })
    }
}
