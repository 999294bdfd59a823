package import MirrorCore

/// Finds out who sent a request: reads `X-Forwarded-For` fields in their order, and keeps nothing of them but an address.
///
/// They count only as far as trusted proxies wrote them: the client is the rightmost element that is not the address of a trusted proxy. Behind an
/// element that does not tell an address nothing counts, so that the client is the proxy that wrote it.
package struct ForwardedFor {
    let trustedProxies: [IPNetwork]
    /// The client, if whoever wrote the next element is trusted; `nil` when the client is whoever writes it.
    package private(set) var client: IPAddress?

    /// - Parameter value: Of a field. Empty elements are skipped (RFC 9110 §5.6.1.2).
    package mutating func read(_ value: UnsafeRawBufferPointer) {
        var start = value.startIndex
        while start < value.endIndex {
            // By bytes: what a client has put in front may hold characters that others combine with.
            let end = value[start...].firstIndex(of: UInt8(ascii: ",")) ?? value.endIndex
            if let node = ForwardedNode(value[start..<end]) { add(node.address) }
            start = end + 1
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
