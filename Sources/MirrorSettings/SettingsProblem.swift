/// A problem in a configuration file: where it is, and what to write instead.
package struct SettingsProblem: Sendable, Equatable, CustomStringConvertible {
    package var file: String
    /// From 1; `nil` if the file could not be read at all.
    package var line: Int?
    /// From 1, in Unicode scalars.
    package var column: Int?
    /// `copy.partSize`; empty for the file as a whole.
    package var path: String
    /// Never contains a secret.
    package var message: String

    package init(file: String, line: Int? = nil, column: Int? = nil, path: String, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
    }

    /// `file:line:column: path.to.key: message`, which editors and terminals turn into a link.
    package var description: String {
        var text = file
        if let line, let column { text += ":\(line):\(column)" }
        if !path.isEmpty { text += ": \(path)" }
        return text + ": \(message)"
    }
}

/// The problems of a configuration file, at least one, in the order of the file.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    package var problems: [SettingsProblem]

    package init(problems: [SettingsProblem]) {
        self.problems = problems
    }

    /// One problem per line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
