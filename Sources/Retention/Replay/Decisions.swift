/// What the learning policy decided at each use, for checking what it cost.
///
/// Eight bytes for each use and for each artifact in a pool: for tests and measurements, not for logs of any length.
package struct Decisions: Sendable {
    /// For how many seconds the replica stayed, up to the next use.
    package private(set) var keep: [Double] = []
    /// Whether it was copied if it was not there.
    package private(set) var isAdmitted: [Bool] = []
    package private(set) var isHit: [Bool] = []
    private var lastUse: [Int] = []

    /// - Parameters:
    ///   - kept: Seconds that the replica stayed since the use before.
    mutating func again(_ key: Int, gap: Double, kept: Double, isHit: Bool) {
        // The use itself says whether it was a hit; seconds are rounded.
        keep[lastUse[key]] = isHit ? gap : min(kept, gap.nextDown)
    }

    mutating func add(_ key: Int, isHit: Bool, isAdmitted: Bool) {
        if key == lastUse.count { lastUse.append(0) }
        lastUse[key] = keep.count
        keep.append(-1)
        self.isHit.append(isHit)
        self.isAdmitted.append(isAdmitted)
    }

    mutating func end(_ key: Int, kept: Double) { keep[lastUse[key]] = kept }
}
