import MirrorCore
import Retention

/// What `plan` was asked for.
struct PlanOptions {
    var traces: [String]
    /// `nil`: by how each begins.
    var format: LogFormat?
    var prices: PlanPrices
    /// Of all clients.
    var region: String?
    var networks: [(network: IPNetwork, region: String)] = []
    var policies = ReplayPolicy.allCases
    /// Services without egress fees to compare with.
    var candidates: [String] = []
    /// Dollars per GiB that a NAT gateway takes for what clients read from another region or from the internet; `nil` without one.
    var natGateway: Double?
    var recordsDecisions = false
    var showsProgress = false
}
