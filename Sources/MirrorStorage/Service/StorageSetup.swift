/// Sets up and checks one pool for `pools apply`, `pools check` and `doctor`.
public protocol StorageSetup: Sendable {
    /// Examines the present state, and changes nothing.
    ///
    /// - Throws: ``StorageError`` if the service cannot be reached.
    func plan() async throws -> SetupPlan

    /// Tries everything that the pool needs, and removes the objects that it wrote.
    ///
    /// - Parameter report: Gets each line as soon as it is known: ``SetupLine/Mark/ok``, ``SetupLine/Mark/warning``, ``SetupLine/Mark/error``.
    /// - Returns: Whether nothing is wrong.
    func check(report: (SetupLine) -> Void) async throws -> Bool
}

/// The changes to one pool.
public struct SetupPlan: Sendable {
    /// ``SetupLine/Mark/ok``, ``SetupLine/Mark/change``, ``SetupLine/Mark/note`` or ``SetupLine/Mark/problem``.
    public var lines: [SetupLine]
    /// Makes the changes, and reports the result of each (``SetupLine/Mark/done``, ``SetupLine/Mark/note``, ``SetupLine/Mark/failed``); returns
    /// whether everything that matters was done. `nil` if there is nothing to change.
    public var apply: Apply?

    /// Makes changes and reports each; returns whether everything that matters was done.
    public typealias Apply = @Sendable (_ report: (SetupLine) -> Void) async throws -> Bool

    public init(lines: [SetupLine], apply: Apply? = nil) {
        self.lines = lines
        self.apply = apply
    }

    /// Whether something has to be done elsewhere before the plan can be carried out.
    public var hasProblems: Bool { lines.contains { $0.mark == .problem } }
}

/// A line of a plan, of its result, or of a check.
public struct SetupLine: Sendable, Hashable {
    /// The kind of a line.
    public enum Mark: String, Sendable, CaseIterable {
        /// Everything is as it should be.
        case ok
        /// Has to be changed.
        case change
        /// For information; nothing is done.
        case note
        /// Something has to be done elsewhere first.
        case problem
        /// In a check: works, but not as it should.
        case warning
        /// In a check: the pool does not work.
        case error
        /// Was changed.
        case done
        /// Could not be changed.
        case failed
    }

    /// The kind of the line.
    public var mark: Mark
    /// A message for operators, without credentials.
    public var text: String

    public init(_ mark: Mark, _ text: String) {
        self.mark = mark
        self.text = text
    }
}
