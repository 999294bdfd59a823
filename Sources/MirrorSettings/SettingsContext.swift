/// What the readers of one file share: its problems, and what they know about its keys.
final class ConfigurationContext {
    /// The path as it was given, for messages.
    let file: String
    /// Where relative paths in the file start from; absolute.
    let directory: String
    let environment: ConfigurationEnvironment
    /// Whether nothing is read, and only the description of the keys is wanted.
    let isDocumenting: Bool
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []
    private(set) var outline: [ConfigurationOutline] = []
    /// Whether a secret stands in the file itself.
    private(set) var holdsSecret = false

    init(file: String, directory: String, environment: ConfigurationEnvironment, isDocumenting: Bool = false) {
        self.file = file
        self.directory = directory
        self.environment = environment
        self.isDocumenting = isDocumenting
    }

    func report(_ message: String, path: String, line: Int, column: Int) {
        problems.append(ConfigurationProblem(file: file, line: line, column: column, path: path, message: message))
    }

    func warn(_ message: String, path: String, line: Int, column: Int) {
        warnings.append(ConfigurationProblem(file: file, line: line, column: column, path: path, message: message))
    }

    func noteSecret() { holdsSecret = true }

    func describe(_ step: ConfigurationOutline) {
        if isDocumenting { outline.append(step) }
    }

    /// In the order of the file; two at one place in the order they were found.
    var sortedProblems: [ConfigurationProblem] {
        problems.enumerated().sorted {
            ($0.element.line ?? 0, $0.element.column ?? 0, $0.offset) < ($1.element.line ?? 0, $1.element.column ?? 0, $1.offset)
        }.map(\.element)
    }
}

/// A step of the walk over all keys, from which the reference and the example file are written.
enum ConfigurationOutline: Sendable, Equatable {
    case value(Value)
    /// A key with keys below it, which follow until the `end`.
    case begin(key: String, doc: String, presence: Presence)
    case end

    enum Presence: Sendable, Equatable {
        /// A section left out has all its defaults.
        case implied
        /// A section left out means something, and what it requires is required only if it is there.
        case optional
        case required
        /// A section that could stand there.
        case example
    }

    struct Value: Sendable, Equatable {
        var key: String
        var type: String
        /// As it is written in the file; `nil` when there is none.
        var defaultText: String?
        /// The default in words where it is not a constant.
        var defaultNote: String?
        /// What may be written; empty when the type says it all.
        var range: String
        var isRequired: Bool
        var doc: String
        /// YAML on one line, or several lines that each begin with a line break.
        var example: String?
    }
}
