/// How much of a limited resource each client network and each site holds.
package struct NetworkShares: Sendable {
    private var counts: [ClientNetwork: Int] = [:]

    package init() {}

    /// Which one already holds all that it may, the network or its site; `nil` if one more may be taken.
    ///
    /// - Parameter limit: How much one client may hold.
    package func full(_ network: ClientNetwork, limit: Int) -> ClientNetwork? {
        for holder in [network, network.site] {
            if let holder, counts[holder, default: 0] >= limit * holder.worth { return holder }
        }
        return nil
    }

    package mutating func take(_ network: ClientNetwork) {
        for holder in [network, network.site] { if let holder { counts[holder, default: 0] += 1 } }
    }

    package mutating func giveBack(_ network: ClientNetwork) {
        for holder in [network, network.site] {
            guard let holder, let count = counts[holder] else { continue }
            counts[holder] = count > 1 ? count - 1 : nil
        }
    }
}
