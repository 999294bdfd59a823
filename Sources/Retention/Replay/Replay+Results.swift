extension Replay {
    /// Charges what is kept after the last uses. Called once, at the end.
    package mutating func end() {
        let now = seconds(last)
        for number in 0..<index.count {
            let artifact = index[number]
            let bytes = Double(artifact.bytes)
            var next = artifact.firstKey
            while next != 0 {
                let keyNumber = Int(next) - 1
                var key = keys[keyNumber]
                next = key.next
                let pool = Int(key.pool)
                let costs = pools[pool].prices.costs(of: bytes)
                let own = seconds(start + key.own)
                if options.compares {
                    pools[pool].end(
                        key, first: seconds(start + key.first), own: own, copied: seconds(start + key.copied), now: now, costs, bytes: bytes
                    )
                }
                if options.learns {
                    key.expiry = hazard.applyGuard(key.expiry, own: own, artifactClass: Int(artifact.artifactClass), pool: pool, costs)
                    let kept = key.isCopied ? max(0, key.expiry - own) : 0
                    pools[pool].learned.storage += costs.keeping(kept)
                    decisions?.end(keyNumber, kept: key.isCopied ? kept : -1)
                }
            }
        }
    }

    package var artifacts: Int { index.count }
    /// Artifacts, each counted once for every pool that it was used in.
    package var keyCount: Int { keys.count }
    package var poolCount: Int { pools.count }

    /// Milliseconds from the first use to the last.
    package var span: Int64 { last - start }

    package func ledger(of policy: ReplayPolicy, in pool: Int) -> Ledger { pools[pool].ledger(of: policy) }

    package func total(of policy: ReplayPolicy) -> Ledger {
        var sum = Ledger()
        for pool in pools { sum.add(pool.ledger(of: policy)) }
        return sum
    }

    /// T* of an artifact of mean size, in seconds; infinite where storage costs nothing.
    package func breakEven(in pool: Int) -> Double {
        let requests = Double(max(1, pools[pool].uses))
        return pools[pool].prices.costs(of: pools[pool].bytes / requests).breakEven
    }

    package func bestFixedLife(in pool: Int) -> (seconds: Double, total: Double) { pools[pool].fixedLives.best }

    /// What a replica of mean size that is used now would be kept for according to the last table, in seconds; `nil` without one.
    package func learnedLife(in pool: Int) -> Double? {
        guard let table = hazard.table, options.learns else { return nil }
        return table.life(node: 0, pool: pool).seconds
    }
}
