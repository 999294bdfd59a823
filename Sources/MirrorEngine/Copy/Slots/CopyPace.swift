/// How fast an origin is, given how long its copy has held a slot.
enum CopyPace: Int, Comparable {
    case quick
    /// It sends, but too slowly for a copy that has held its slot for so long.
    case late
    /// It sends almost nothing.
    case slow

    /// A copy needs `minRate`, and more the longer it holds its slot: on average, `minRate` times the number of windows. So an origin cannot hold
    /// slots for hours by sending just enough.
    ///
    /// - Parameter minRate: In bytes per second.
    init(_ rates: CopyProgress.Rates, minRate: Int64) {
        self =
            if rates.last < minRate {
                .slow
            } else if Double(rates.average) < Double(minRate) * Double(rates.windows) {
                .late
            } else {
                .quick
            }
    }

    static func < (one: CopyPace, other: CopyPace) -> Bool { one.rawValue < other.rawValue }
}
