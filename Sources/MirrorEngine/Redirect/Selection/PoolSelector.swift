package import MirrorCore

/// Chooses the pool for a request that names none, as the section `selection` of the configuration says.
package struct PoolSelector: Sendable, Equatable {
    /// Which pool the clients of a network get.
    package struct Rule: Sendable, Equatable {
        package let network: IPNetwork
        package let pool: PoolID
    }

    /// The longest prefix first.
    package let networks: [Rule]
    /// Whose `X-Forwarded-For` is believed.
    package let trustedProxies: [IPNetwork]
    /// `nil`: the origin.
    package let fallback: PoolID?

    package init(
        networks: [(network: IPNetwork, pool: PoolID)] = [], trustedProxies: [IPNetwork] = [], fallback: PoolID? = nil
    ) {
        self.networks = networks.map { Rule(network: $0.network, pool: $0.pool) }
            .sorted { $0.network.prefixLength > $1.network.prefixLength }
        self.trustedProxies = trustedProxies
        self.fallback = fallback
    }

    /// The longest configured network that contains the client, else the fallback.
    package func pool(for client: IPAddress?) -> PoolID? {
        guard let client else { return fallback }
        return networks.first { $0.network.contains(client) }?.pool ?? fallback
    }

    /// Whether the requests of one connection can be for different pools, because a trusted proxy says whom each of them is from.
    package func dependsOnForwardedFor(from peer: IPAddress?) -> Bool {
        guard let peer, !networks.isEmpty else { return false }
        return trustedProxies.contains(peer)
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

    /// Who sent a request: the other end of the connection or, where that is a trusted proxy, whom its `X-Forwarded-For` fields name (``ForwardedFor``).
    ///
    /// - Parameter peer: The other end of the connection.
    /// - Parameter read: Reads the fields; called only where they count.
    package func client(peer: IPAddress?, _ read: (inout ForwardedFor) -> Void) -> IPAddress? {
        guard let peer, trustedProxies.contains(peer) else { return peer }
        var forwardedFor = ForwardedFor(trustedProxies: trustedProxies)
        read(&forwardedFor)
        return forwardedFor.client ?? peer
    }

    /// - Parameter forwardedFor: The values of all `X-Forwarded-For` fields, in order.
    package func client(peer: IPAddress?, forwardedFor: @autoclosure () -> [String]) -> IPAddress? {
        client(peer: peer) { fields in
            for var value in forwardedFor() { value.withUTF8 { fields.read(UnsafeRawBufferPointer($0)) } }
        }
    }
}
