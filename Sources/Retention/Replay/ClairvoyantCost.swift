/// The cheapest way to serve one artifact in one pool when all of its uses are known.
///
/// After each use the artifact is stored or not, and the cheapest way to either is carried on. Mostly one of the two ways turns out to be wrong at the
/// next use: what lies between the uses is either cheap to keep, or dearer than another copy. Only what is still undecided is remembered: how much
/// more it costs to have it stored, and since how many uses.
enum ClairvoyantCost {
    static func begin(_ key: inout ReplayKey, _ costs: ArtifactCosts) {
        key.difference = costs.copy - costs.redirect
        key.undecided = 0
        key.beginsWithCopy = true
    }

    static func use(_ key: inout ReplayKey, gap: Double, _ costs: ArtifactCosts, bytes: Double, _ ledger: inout Ledger) {
        let stored = key.difference + costs.storage * gap + costs.hit
        if stored <= costs.redirect {
            let uses = Double(key.undecided)
            let before = key.beginsWithCopy ? costs.copy - costs.redirect : 0
            ledger.storage += max(0, stored - before + uses * costs.redirect - (uses + 1) * costs.hit)
            if key.beginsWithCopy { ledger.copy(costs, bytes: bytes) }
            ledger.hit(costs, bytes: bytes, times: uses + 1)
            key.difference = 0
            key.undecided = 0
            key.beginsWithCopy = false
        } else if stored > costs.copy {
            end(key, costs, bytes: bytes, &ledger)
            begin(&key, costs)
        } else {
            key.difference = stored - costs.redirect
            key.undecided += 1
        }
    }

    /// What is undecided was not worth storing.
    static func end(_ key: ReplayKey, _ costs: ArtifactCosts, bytes: Double, _ ledger: inout Ledger) {
        let uses = Double(key.undecided) + (key.beginsWithCopy ? 1 : 0)
        if uses > 0 { ledger.redirect(costs, bytes: bytes, times: uses) }
    }
}
