package import MirrorCore

/// Chooses the pool for a request that names none.
package struct PoolSelector: Sendable {
    package let networks: [(network: IPNetwork, pool: PoolID)]
    package let trustedProxies: [IPNetwork]
    /// `nil`: the origin.
    package let fallback: PoolID?

    package init(networks: [(network: IPNetwork, pool: PoolID)], trustedProxies: [IPNetwork], fallback: PoolID?) {
        self.networks = networks.sorted { $0.network.prefixLength > $1.network.prefixLength }
        self.trustedProxies = trustedProxies
        self.fallback = fallback
    }

    /// The longest configured network that contains the client, else the fallback.
    package func pool(for client: IPAddress?) -> PoolID? {
        guard let client else { return fallback }
        return networks.first { $0.network.contains(client) }?.pool ?? fallback
    }

    private static let loopback = ["127.0.0.0/8", "::1/128"].compactMap { IPNetwork($0) }

    /// Whether many clients may be behind an address: a trusted proxy's, or this machine's, where a proxy may be that nobody has named. No share is too large for it.
    package func standsForMany(_ address: IPAddress) -> Bool {
        (Self.loopback + trustedProxies).contains { $0.contains(address) }
    }

    /// Whose share of what is limited a client takes; `nil` where many clients may be behind its address.
    package func sharer(_ client: IPAddress?) -> ClientNetwork? {
        client.map(standsForMany) == true ? nil : ClientNetwork(client)
    }

    /// Who sent a request.
    ///
    /// `X-Forwarded-For` counts only as far as trusted proxies wrote it: from the right, the first address that is not one of theirs. Behind
    /// an element that does not tell an address nothing counts, so that the client is the proxy that wrote it.
    ///
    /// - Parameter peer: The other end of the connection.
    /// - Parameter forwardedFor: The elements of all `X-Forwarded-For` fields, in order. Empty ones are passed over (RFC 9110 §5.6.1.2).
    package func client(peer: IPAddress?, forwardedFor: @autoclosure () -> [Substring]) -> IPAddress? {
        guard var client = peer, trustedProxies.contains(where: { $0.contains(client) }) else { return peer }
        for element in forwardedFor().reversed() {
            guard trustedProxies.contains(where: { $0.contains(client) }) else { break }
            guard let node = ForwardedNode(element) else { continue }
            guard let address = node.address else { break }
            client = address
        }
        return client
    }
}
