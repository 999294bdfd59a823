import MirrorSystem

/// Standard output and standard error.
enum Terminal {
    static var standardErrorIsTerminal: Bool { StandardStream.error.isTerminal }

    /// Asks a question at the terminal.
    ///
    /// - Returns: False without a terminal to ask at, and for every answer but a yes.
    static func confirm(_ question: String) -> Bool {
        guard StandardStream.input.isTerminal, standardErrorIsTerminal else { return false }
        writeToStandardError(question)
        return ["y", "yes"].contains(readLine()?.lowercased())
    }

    /// Columns of the terminal at standard error; 80 where that is not known.
    static var width: Int { StandardStream.error.columns ?? 80 }

    /// A line for people, on standard error. What others said may be in it: no control character gets to the terminal.
    static func note(_ message: String) {
        writeToStandardError("cloud-mirror: \(TextTable.printableLines(message))\n")
    }

    /// Text of what a command was asked for, on standard output, at once.
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
