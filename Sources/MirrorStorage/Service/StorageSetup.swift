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

    /// Makes changes and reports each; returns whether all that matters was done.
    public typealias Apply = @Sendable (_ report: (SetupLine) -> Void) async throws -> Bool

    public init(lines: [SetupLine], apply: Apply? = nil) {
        self.lines = lines
        self.apply = apply
    }

    /// Whether something has to be done elsewhere before the plan can be carried out.
    public var hasProblems: Bool { lines.contains { $0.mark == .problem } }
}

/// A line of a plan, of what came of it, or of a check.
public struct SetupLine: Sendable, Hashable {
    /// What a line says.
    public enum Mark: String, Sendable, CaseIterable {
        /// As it should be.
        case ok
        /// To be changed.
        case change
        /// Worth knowing; nothing is done.
        case note
        /// Something has to be done elsewhere first.
        case problem
        /// Of a check: works, but not as it should.
        case warning
        /// Of a check: the pool does not work.
        case error
        /// Was changed.
        case done
        /// Could not be changed.
        case failed
    }

    /// What the line says.
    public var mark: Mark
    /// Of what, in words for an operator; without a credential.
    public var text: String

    public init(_ mark: Mark, _ text: String) {
        self.mark = mark
        self.text = text
    }
}
