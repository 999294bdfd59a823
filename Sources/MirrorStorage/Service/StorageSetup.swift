/// Sets up and checks one pool for `pools apply`, `pools check` and `doctor`.
public protocol StorageSetup: Sendable {
    /// Looks at what there is, and changes nothing.
    ///
    /// - Throws: ``StorageError`` if the service cannot be reached.
    func plan() async throws -> SetupPlan

    /// Tries everything that the pool needs, and removes what it wrote for that.
    ///
    /// - Parameter report: Gets each line as soon as it is known: ``SetupLine/Mark/ok``, ``SetupLine/Mark/warning``, ``SetupLine/Mark/error``.
    /// - Returns: Whether nothing is wrong.
    func check(report: (SetupLine) -> Void) async throws -> Bool
}

/// What is to be done to one pool.
public struct SetupPlan: Sendable {
    /// ``SetupLine/Mark/ok``, ``SetupLine/Mark/change``, ``SetupLine/Mark/note`` or ``SetupLine/Mark/problem``.
    public var lines: [SetupLine]
    /// Makes the changes, and reports what came of each (``SetupLine/Mark/done``, ``SetupLine/Mark/note``, ``SetupLine/Mark/failed``); returns whether
    /// all that matters was done. `nil` if there is nothing to change.
    public var apply: Apply?

    public typealias Apply = @Sendable (_ report: (SetupLine) -> Void) async throws -> Bool

    public init(lines: [SetupLine], apply: Apply? = nil) {
        self.lines = lines
        self.apply = apply
    }

    public var hasProblems: Bool { lines.contains { $0.mark == .problem } }
}

/// A line of a plan, of what came of it, or of a check.
public struct SetupLine: Sendable, Hashable {
    public enum Mark: String, Sendable, CaseIterable {
        /// As it should be.
        case ok
        /// To be changed.
        case change
        /// Worth knowing; nothing is done.
        case note
        /// Something has to be done elsewhere first.
        case problem
        case warning, error
        case done, failed
    }

    public var mark: Mark
    public var text: String

    public init(_ mark: Mark, _ text: String) {
        self.mark = mark
        self.text = text
    }
}
