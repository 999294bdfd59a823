extension Unicode.Scalar {
    /// Whether this must not be shown as it is: control characters, some of which command terminals; line ends outside ASCII; and characters that
    /// change the direction of text. All are below U+10000.
    package var isUnsafe: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// An unsafe one as JSON may write it: `\u009b`.
    package var escape: String { "\\u" + Hex.encode([UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]) }
}
