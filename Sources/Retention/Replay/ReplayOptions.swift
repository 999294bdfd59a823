/// What a replay does.
package struct ReplayOptions: Sendable {
    /// Whether lives are learnt; without it the other policies alone are replayed, which takes a third of the time.
    package var learns = true
    /// Whether the other policies are replayed.
    package var compares = true
    package var isGuarded = true
    package var admission = Admission.always
    /// Keeps what the learning policy decides at each use.
    package var recordsDecisions = false

    package init() {}

    /// Between tables.
    static let passInterval: Int64 = 86_400_000
    /// Where a list has a longer hole, tables are not made for all of it.
    static let maxPasses: Int64 = 1_000
}
