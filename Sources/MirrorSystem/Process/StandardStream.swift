import CLibrary

/// What a process finds open when it starts.
package enum StandardStream: CInt, Sendable {
    case input = 0
    case output = 1
    case error = 2

    package var isTerminal: Bool { Self.isTerminal(rawValue) }

    package static func isTerminal(_ descriptor: CInt) -> Bool { isatty(descriptor) == 1 }

    /// Of the terminal; `nil` where that is not known.
    package var columns: Int? {
        var size = winsize()
        guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Writes a text, at once: `print` keeps it while the output is a file or a pipe. Nowhere is left to complain to where it cannot be written.
    package func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = writeAll(UnsafeRawBufferPointer($0), to: rawValue) }
    }
}
