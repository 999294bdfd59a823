package import MirrorCore

/// Finds out who sent a request: reads `X-Forwarded-For` or `Forwarded` fields in order, and keeps only an address.
///
/// Only what trusted proxies wrote counts: the client is the rightmost element that is not the address of a trusted proxy. If an element has no
/// readable address, everything to its left is ignored, and the client is the proxy that wrote it.
package struct ForwardedFor {
    let header: ProxyHeader
    let trustedProxies: [IPNetwork]
    /// The client according to what has been read, if the writer of the next element is trusted; `nil` if that writer is itself the client.
    package private(set) var client: IPAddress?

    init(_ header: ProxyHeader, trustedProxies: [IPNetwork]) {
        self.header = header
        self.trustedProxies = trustedProxies
    }

    /// - Parameter value: The value of one field. Empty elements are skipped (RFC 9110 §5.6.1.2).
    package mutating func read(_ value: UnsafeRawBufferPointer) {
        var start = value.startIndex
        while start < value.endIndex {
            // Split by bytes, not characters: what a client wrote may contain combining characters. Split within quotes, too: no address has a comma,
            // and an unclosed quote from a client must not hide what a proxy wrote after it.
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
        // A trusted proxy's address changes nothing: what that proxy wrote about the client still counts.
        if let address, client != nil, trustedProxies.contains(address) { return }
        client = address
    }
}

extension [IPNetwork] {
    func contains(_ address: IPAddress) -> Bool {
        contains(where: { $0.contains(address) })
    }
}
