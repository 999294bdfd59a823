import MirrorCore
import Retention

/// The options of `plan`.
struct PlanOptions {
    var traces: [String]
    /// `nil` recognizes each log by its first bytes.
    var format: LogFormat?
    var prices: PlanPrices
    /// The region of all clients.
    var region: String?
    var networks: [(network: IPNetwork, region: String)] = []
    var policies = ReplayPolicy.allCases
    /// What the learning policy copies.
    var admission = Admission.always
    /// Services without egress fees to compare with.
    var candidates: [String] = []
    /// What a NAT gateway charges, in dollars per GiB, for reads from another region or from the internet; `nil` without a gateway.
    var natGateway: Double?
    var recordsDecisions = false
    var showsProgress = false
}
