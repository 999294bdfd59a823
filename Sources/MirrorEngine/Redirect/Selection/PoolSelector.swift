package import CloudRegions
package import MirrorCore
package import NamedOrigins

/// Chooses the pool for a request that names none, and finds out who sent it.
///
/// In this order: the most specific configured network that contains the client; the pool of the cloud region that the client is in; the pool of the
/// nearest region that has one; the default, which may be the origin.
package final class PoolSelector: Sendable {
    package let selection: SelectionConfiguration
    /// `nil` if nothing is known about regions.
    private let regions: RegionPools?
    private let usesRegions: Bool

    /// - Parameter pools: All pools, in the order of the file.
    package init(_ selection: SelectionConfiguration, pools: [PoolID] = [], regions table: CloudRegionTable? = nil) {
        self.selection = selection
        regions = table.map { RegionPools($0, pools: pools, selection) }
        usesRegions = regions?.isEmpty == false
    }

    /// The pool for a client (`nil` for the origin), and why.
    package func choice(for client: IPAddress?) -> (pool: PoolID?, reason: PoolReason) {
        guard let client else { return (selection.fallback, .fallback) }
        if let rule = rule(for: client) { return (rule.pool, .network) }
        if usesRegions, let choice = regions?.choice(for: client) { return (choice.pool, choice.reason) }
        return (selection.fallback, .fallback)
    }

    /// The same, with everything that explains the choice.
    package func decision(for client: IPAddress) -> PoolDecision {
        let (pool, reason) = choice(for: client)
        return PoolDecision(
            pool: pool, reason: reason, network: reason == .network ? rule(for: client)?.network : nil,
            region: regions?.table.region(of: client))
    }

    /// What is known about the clouds' regions.
    package var lists: [RegionList] { regions?.table.lists ?? [] }

    /// How a client gets artifacts of named origins, if its network says so.
    package func delivery(for client: IPAddress?) -> Delivery? {
        guard let client, !selection.deliveries.isEmpty else { return nil }
        return selection.deliveries.first { $0.network.contains(client) }?.delivery
    }

    /// Whether a client may have artifacts of named origins sent by the mirror because it asks for that.
    package func maySendInline(to client: IPAddress?, by origin: NamedOrigin) -> Bool {
        selection.deliveryHeader || (delivery(for: client) ?? origin.delivery) == .inline
    }

    private func rule(for client: IPAddress) -> SelectionConfiguration.Rule? {
        selection.networks.first { $0.network.contains(client) }
    }

    /// Whether the requests of one connection can get different pools or deliveries, because a trusted proxy names the client of each.
    package func dependsOnProxy(_ peer: IPAddress?) -> Bool {
        guard let peer, usesRegions || !selection.networks.isEmpty || !selection.deliveries.isEmpty else { return false }
        return isTrusted(peer)
    }

    /// Whether the address is that of a trusted proxy.
    package func isTrusted(_ peer: IPAddress) -> Bool { selection.trustedProxies.contains(peer) }

    /// Whether many clients may be behind an address: a trusted proxy's, or this machine's own, where an unconfigured proxy may run. Such an address
    /// has no share limit.
    package func standsForMany(_ address: IPAddress) -> Bool {
        address.isLoopback || isTrusted(address)
    }

    /// The network whose share a client takes; `nil` if many clients may be behind its address.
    package func sharer(_ client: IPAddress?) -> ClientNetwork? {
        client.map(standsForMany) == true ? nil : ClientNetwork(client)
    }

    /// Who sent a request: the other end of the connection or, if that is a trusted proxy, the client that its fields name (``ForwardedFor``).
    ///
    /// - Parameter peer: The other end of the connection.
    /// - Parameter read: Reads the fields that ``SelectionConfiguration/proxyHeader`` names; called only if they count.
    package func client(peer: IPAddress?, reading read: (inout ForwardedFor) -> Void) -> IPAddress? {
        guard let peer, isTrusted(peer) else { return peer }
        var forwardedFor = ForwardedFor(selection.proxyHeader, trustedProxies: selection.trustedProxies)
        read(&forwardedFor)
        return forwardedFor.client ?? peer
    }

    /// - Parameter values: The values of all fields of that name, in order; called only if they count.
    package func client(peer: IPAddress?, values: (ProxyHeader) -> [String]) -> IPAddress? {
        client(
            peer: peer,
            reading: { fields in
                for var value in values(selection.proxyHeader) { value.withUTF8 { fields.read(UnsafeRawBufferPointer($0)) } }
            })
    }
}
