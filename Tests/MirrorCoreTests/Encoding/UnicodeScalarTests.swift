import MirrorCore
import Testing

@Suite struct UnicodeScalarTests {
    @Test("Control characters, line ends and characters that change the direction of text are unsafe, and nothing else is")
    func unsafe() {
        let scalars = (UInt32(0)...0x2_FFFF).compactMap { Unicode.Scalar($0) }
        let expected: [ClosedRange<UInt32>] = [
            0...0x1F, 0x7F...0x9F, 0x61C...0x61C, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069,
        ]
        #expect(scalars.filter(\.isUnsafe).map(\.value) == expected.flatMap { Array($0) })
        // In Unicode's words, so that none is forgotten.
        #expect(!scalars.contains { ($0.properties.isBidiControl || $0.properties.generalCategory == .control) && !$0.isUnsafe })
    }

    @Test(arguments: [("\u{1B}", "\\u001b"), ("\u{9B}", "\\u009b"), ("\u{202E}", "\\u202e")] as [(Unicode.Scalar, String)])
    func `an unsafe one has an escape`(scalar: Unicode.Scalar, escape: String) {
        #expect(scalar.escape == escape)
    }
}
