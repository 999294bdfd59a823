/// What could not be looked at while a pool was looked through. One bad object must not hide all behind it, but a pool that is away is not asked for
/// each of its objects.
package struct FailedLooks: Sendable {
    /// After this many failures in a row, the pool counts as away.
    package static let maxInRow = 16

    package private(set) var first: (any Error)?
    private var row = 0

    package init() {}

    /// After a look that succeeded.
    package mutating func endRow() { row = 0 }

    /// - Throws: The error, if too many looks in a row have failed.
    package mutating func add(_ error: any Error) throws {
        first = first ?? error
        row += 1
        if row == Self.maxInRow { throw error }
    }
}
