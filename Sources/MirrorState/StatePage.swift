/// The limits of one page of a listing.
package enum StatePage {
    /// Clamps a requested limit to the range that ``StateStore`` allows, 1...1000.
    package static func length(_ limit: Int) -> Int {
        min(max(limit, 1), 1_000)
    }
}
