/// `GET /v1/stats`: what this process has done since startup, over all pools.
package enum StatsCall {
    package struct Answer: Codable, Sendable, Equatable {
        /// Redirect requests by outcome: `hit`, `wait`, `fallback`, …
        package var redirects: [String: Int64]
        /// Copies that ended, by result: `present`, `error` or `set-aside`.
        package var copies: [String: Int64]
        package var copiedBytes: Int64
        /// Bytes that hits did not fetch from the origin.
        package var egressAvoidedBytes: Int64
        /// Replicas that were deleted to make room.
        package var evictions: Int64
        /// Redirect requests that are waiting for a copy.
        package var waiting: Int
        /// Seconds since startup.
        package var uptimeSeconds: Int64
        /// The origins that this process is copying from, those that were slow, and those that most copies are queued for.
        package var origins: [Origin]
        package var coldClaims: ColdClaims
        /// `nil` if no pool's prices are known.
        package var savings: Savings?

        package init(
            redirects: [String: Int64], copies: [String: Int64], copiedBytes: Int64, egressAvoidedBytes: Int64, evictions: Int64,
            waiting: Int, uptimeSeconds: Int64, origins: [Origin], coldClaims: ColdClaims, savings: Savings? = nil
        ) {
            self.redirects = redirects
            self.copies = copies
            self.copiedBytes = copiedBytes
            self.egressAvoidedBytes = egressAvoidedBytes
            self.evictions = evictions
            self.waiting = waiting
            self.uptimeSeconds = uptimeSeconds
            self.origins = origins
            self.coldClaims = coldClaims
            self.savings = savings
        }
    }

    package struct Origin: Codable, Sendable, Equatable {
        /// Scheme, host and port; `unfinished` for copies whose last attempt never ended.
        package var origin: String
        /// Copies that wait, in all pools. With a shared state, this includes copies that other processes are making.
        package var queued: Int
        /// Copies that this process is making.
        package var running: Int
        /// Running copies that gave up their slot because they were too slow.
        package var slow: Int
        /// The combined rate of the running copies, as last measured.
        package var bytesPerSecond: Int64
        /// Copies that gave up their slot since startup.
        package var slowed: Int

        package init(origin: String, queued: Int, running: Int, slow: Int, bytesPerSecond: Int64, slowed: Int) {
            self.origin = origin
            self.queued = queued
            self.running = running
            self.slow = slow
            self.bytesPerSecond = bytesPerSecond
            self.slowed = slowed
        }
    }

    /// Client networks that have used up their budget for absent artifacts.
    package struct ColdClaims: Codable, Sendable, Equatable {
        /// Their number.
        package var spentNetworks: Int
        /// At most 100 of them, each an IPv4 address or an IPv6 /64.
        package var networks: [String]

        package init(spentNetworks: Int, networks: [String]) {
            self.spentNetworks = spentNetworks
            self.networks = networks
        }
    }

    /// What this process has counted, in dollars at list prices, in the pools whose prices are known.
    package struct Savings: Codable, Sendable, Equatable {
        /// The day that the prices are of: `2026-01-31`.
        package var pricesAsOf: String
        /// What hits would have cost at the origins, without what reading them from the pools cost.
        package var savedDollars: Double
        /// What was paid, by kind: `egress`, `storage` or `requests`.
        package var costDollars: [String: Double]
        /// What other policies would have cost: `never` (no copies) and, where uses are recorded, `tstar` and `ttl`.
        package var counterfactualDollars: [String: Double]

        package init(
            pricesAsOf: String, savedDollars: Double, costDollars: [String: Double], counterfactualDollars: [String: Double]
        ) {
            self.pricesAsOf = pricesAsOf
            self.savedDollars = savedDollars
            self.costDollars = costDollars
            self.counterfactualDollars = counterfactualDollars
        }
    }
}
