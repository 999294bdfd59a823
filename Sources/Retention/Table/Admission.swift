/// Whether an artifact is copied when it is requested and is not there.
package enum Admission: String, Sendable, CaseIterable {
    case always
    /// Only if its copy is expected to pay.
    case cost
}

extension ExpectedLife {
    /// Whether a copy is expected to save more than it costs, compared with a redirect to the origin now and at each use later.
    package func paysForCopy(_ costs: ArtifactCosts) -> Bool {
        let saved = (costs.redirect - costs.hit) * useProbability - costs.storage * meanWait
        return saved > costs.copy - costs.redirect
    }
}
