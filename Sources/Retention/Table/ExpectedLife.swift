/// How long it pays to wait for the next use in one context, and what that is expected to save and to cost.
package struct ExpectedLife: Sendable, Equatable {
    /// T: seconds.
    package var seconds: Double
    /// F(T): how probable it is that the next use comes within that time.
    package var useProbability: Double
    /// I(T): how long the replica is kept for it on average, in seconds.
    package var meanWait: Double

    /// What is expected to be saved, minus what keeping costs until then, in dollars.
    package func value(_ costs: ArtifactCosts) -> Double { costs.margin * useProbability - costs.storage * meanWait }
}
