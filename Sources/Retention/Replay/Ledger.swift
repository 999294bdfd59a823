/// What a policy paid in one pool, in dollars, and for what.
package struct Ledger: Sendable, Equatable {
    package var storage = 0.0
    package var egress = 0.0
    package var requests = 0.0
    package var hits = 0
    package var copies = 0
    package var redirects = 0
    /// Read by clients from replicas that were there.
    package var hitBytes = 0.0
    /// Read from the origin.
    package var originBytes = 0.0

    package init() {}

    package var total: Double { storage + egress + requests }
    /// Read by clients, from wherever.
    package var readBytes: Double { hitBytes + originBytes }

    /// What so many times as much would have cost.
    package func scaled(by factor: Double) -> Ledger {
        var scaled = self
        scaled.storage *= factor
        scaled.egress *= factor
        scaled.requests *= factor
        return scaled
    }

    mutating func hit(_ costs: ArtifactCosts, bytes: Double, times: Double = 1) {
        hits += Int(times)
        egress += costs.readEgress * times
        requests += (costs.hit - costs.readEgress) * times
        hitBytes += bytes * times
    }

    mutating func copy(_ costs: ArtifactCosts, bytes: Double) {
        copies += 1
        egress += costs.egress + costs.readEgress
        requests += costs.copyReads - costs.readEgress + costs.copyWrites
        originBytes += bytes
    }

    mutating func redirect(_ costs: ArtifactCosts, bytes: Double, times: Double = 1) {
        redirects += Int(times)
        egress += costs.egress * times
        requests += costs.originGet * times
        originBytes += bytes * times
    }

    package mutating func add(_ other: Ledger) {
        storage += other.storage
        egress += other.egress
        requests += other.requests
        hits += other.hits
        copies += other.copies
        redirects += other.redirects
        hitBytes += other.hitBytes
        originBytes += other.originBytes
    }
}
