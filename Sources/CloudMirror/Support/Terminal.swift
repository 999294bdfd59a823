import MirrorSystem

/// Standard output and standard error.
enum Terminal {
    static var standardErrorIsTerminal: Bool { StandardStream.error.isTerminal }

    /// Asks a question at the terminal.
    ///
    /// - Returns: `false` without a terminal, and for every answer other than yes.
    static func confirm(_ question: String) -> Bool {
        guard StandardStream.input.isTerminal, standardErrorIsTerminal else { return false }
        writeToStandardError(question)
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    /// Columns of the terminal at standard error; 80 if unknown.
    static var width: Int { StandardStream.error.columns ?? 80 }

    /// Writes a line for people to standard error. It may contain foreign text, so control characters are shown as `?`.
    static func note(_ message: String) {
        writeToStandardError("cloud-mirror: \(TextTable.printableLines(message))\n")
    }

    /// Writes a command's output to standard output at once.
    static func say(_ text: String) {
        StandardStream.output.write(text)
    }

    static func writeToStandardError(_ text: String) {
        StandardStream.error.write(text)
    }

    static func variable(_ name: String) -> String? {
        CurrentProcess.environmentVariable(name).flatMap { $0.isEmpty ? nil : $0 }
    }
}
