import MirrorCore
import MirrorEngine

extension StatsCall.Origin {
    /// - Parameter jobs: Copies that are queued or in progress, in any process.
    init(_ copies: CopySlots.OriginCopies, jobs: Int) {
        self.init(
            origin: copies.origin, queued: max(jobs - copies.running, 0), running: copies.running, slow: copies.slow,
            bytesPerSecond: copies.bytesPerSecond, slowed: copies.slowed)
    }

    /// An origin that this process is not copying from.
    init(_ origin: String, jobs: Int) {
        self.init(origin: origin, queued: jobs, running: 0, slow: 0, bytesPerSecond: 0, slowed: 0)
    }
}

extension StatsCall.ColdClaims {
    /// How many networks are listed by name.
    private static let maxNames = 100

    init(_ spent: [ClientNetwork]) {
        self.init(spentNetworks: spent.count, networks: spent.prefix(Self.maxNames).map(\.description).sorted())
    }
}
