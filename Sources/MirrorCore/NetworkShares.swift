/// How much of a limited resource each client network and each site holds.
package struct NetworkShares: Sendable {
    private var counts: [ClientNetwork: Int] = [:]

    package init() {}

    /// Which one already holds all that it may, the network or its site; `nil` if so many more may be taken.
    ///
    /// - Parameter limit: How much one client may hold.
    package func full(_ network: ClientNetwork, limit: Int, for amount: Int = 1) -> ClientNetwork? {
        for holder in [network, network.site] {
            if let holder, counts[holder, default: 0] > limit * holder.worth - amount { return holder }
        }
        return nil
    }

    package mutating func take(_ network: ClientNetwork, _ amount: Int = 1) {
        for holder in [network, network.site] { if let holder { counts[holder, default: 0] += amount } }
    }

    package mutating func giveBack(_ network: ClientNetwork, _ amount: Int = 1) {
        for holder in [network, network.site] {
            guard let holder, let count = counts[holder] else { continue }
            counts[holder] = count > amount ? count - amount : nil
        }
    }
}
