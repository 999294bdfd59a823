/// How much of what is learnt a store keeps, beside its history.
package enum ActivityLimits {
    package static let sums = 1_000_000
    /// Bytes.
    package static let nameLength = 64
    package static let documentBytes = 32 << 20
}
