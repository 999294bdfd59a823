/// The state that the readers of one file share: its problems, and the description of its keys.
public final class SettingsContext {
    /// The path as it was given, for messages.
    package let file: String
    /// The directory that relative paths in the file are relative to; absolute.
    package let directory: String
    package let environment: SettingsEnvironment
    /// Whether only the description of the keys is needed, and no file is read.
    package let isDocumenting: Bool
    package private(set) var problems: [SettingsProblem] = []
    package private(set) var warnings: [SettingsProblem] = []
    package private(set) var outline: [SettingsOutline] = []
    /// Whether the file itself contains a secret.
    package private(set) var holdsSecret = false

    package init(file: String, directory: String, environment: SettingsEnvironment, isDocumenting: Bool = false) {
        self.file = file
        self.directory = directory
        self.environment = environment
        self.isDocumenting = isDocumenting
    }

    package func report(_ message: String, path: String, line: Int, column: Int) {
        problems.append(SettingsProblem(file: file, line: line, column: column, path: path, message: message))
    }

    package func warn(_ message: String, path: String, line: Int, column: Int) {
        warnings.append(SettingsProblem(file: file, line: line, column: column, path: path, message: message))
    }

    func noteSecret() { holdsSecret = true }

    func describe(_ step: SettingsOutline) {
        if isDocumenting { outline.append(step) }
    }

    /// In the order of the file; problems in the same place in the order in which they were found.
    package var sortedProblems: [SettingsProblem] {
        problems.enumerated().sorted {
            ($0.element.line ?? 0, $0.element.column ?? 0, $0.offset) < ($1.element.line ?? 0, $1.element.column ?? 0, $1.offset)
        }.map(\.element)
    }
}

/// A step of the walk over all keys. The reference and the example file are generated from these steps.
package enum SettingsOutline: Sendable, Equatable {
    case value(Value)
    /// A key with keys below it, which follow up to the matching `end`.
    case begin(key: String, doc: String, presence: Presence)
    case end

    package enum Presence: Sendable, Equatable {
        /// If the section is missing, all its defaults apply.
        case implied
        /// A missing section has its own meaning, and its required keys are required only if it is present.
        case optional
        case required
        /// A section that could be present.
        case example
    }

    package struct Value: Sendable, Equatable {
        package var key: String
        package var type: String
        /// As it is written in the file; `nil` if there is no default.
        package var defaultText: String?
        /// A description of the default, if it is not a constant.
        package var defaultNote: String?
        /// The valid values; empty if the type says it all.
        package var range = ""
        package var isRequired = false
        package var doc: String
        /// YAML on one line, or several lines that each begin with a line break.
        package var example: String?
    }
}
