/// A line on the terminal at standard error that is redrawn repeatedly; without escape codes, so that every terminal can show it.
struct StatusLine {
    /// Whether there is a terminal that can return to the start of a line.
    static var isPossible: Bool { Terminal.standardErrorIsTerminal && Terminal.variable("TERM") != "dumb" }

    /// Characters on the line.
    private var shown = 0

    mutating func draw(_ text: String) {
        let padding = String(repeating: " ", count: max(shown - text.count, 0))
        Terminal.writeToStandardError("\r\(text)\(padding)")
        shown = text.count
    }

    mutating func clear() {
        guard shown > 0 else { return }
        Terminal.writeToStandardError("\r\(String(repeating: " ", count: shown))\r")
        shown = 0
    }
}
