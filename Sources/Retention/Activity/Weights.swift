import CLibrary

/// How much an observation counts: twice as much as one that is 30 days older.
///
/// Weights grow with the time since a landmark and are never made smaller afterwards, so that sums of them can be added in any order.
package enum Weights {
    /// Seconds.
    package static let halfLife = 30 * 86_400.0
    /// Where the exponent is larger, the landmark is moved on.
    static let maxExponent = 60.0

    /// - Parameter age: Seconds since the landmark.
    package static func weight(_ age: Double) -> Double { exp2(min(age / halfLife, 1_000)) }

    /// The remaining fraction after this many seconds.
    package static func decay(_ seconds: Double) -> Double { exp2(-seconds / halfLife) }
}
