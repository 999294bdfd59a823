/// How much of something that is limited each client network holds, and each site.
package struct NetworkShares: Sendable {
    private var counts: [ClientNetwork: Int] = [:]

    package init() {}

    /// Takes one more.
    ///
    /// - Parameter limit: What one client may hold.
    /// - Returns: Who holds all that it may, the network or its site; `nil` when it was taken.
    package mutating func take(_ network: ClientNetwork, limit: Int) -> ClientNetwork? {
        if let full = full(network, limit: limit) { return full }
        for holder in [network, network.site] { if let holder { counts[holder, default: 0] += 1 } }
        return nil
    }

    /// Whether one more can be taken, as for ``take(_:limit:)``.
    package func full(_ network: ClientNetwork, limit: Int) -> ClientNetwork? {
        for holder in [network, network.site] {
            if let holder, counts[holder, default: 0] >= limit * holder.worth { return holder }
        }
        return nil
    }

    package mutating func giveBack(_ network: ClientNetwork) {
        for holder in [network, network.site] {
            guard let holder, let count = counts[holder] else { continue }
            counts[holder] = count > 1 ? count - 1 : nil
        }
    }
}
