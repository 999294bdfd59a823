/// How fast an origin is for what its copy has had of a slot.
enum CopyPace: Int, Comparable {
    case quick
    /// It sends, but less than a copy needs that has held its slot for so long.
    case late
    /// It sends next to nothing.
    case slow

    /// A copy needs `minRate`, and more the longer it holds its slot: on average as many times `minRate` as there were windows. So nobody holds slots for
    /// hours by sending just as much as has to be.
    ///
    /// - Parameter minRate: Bytes a second.
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
