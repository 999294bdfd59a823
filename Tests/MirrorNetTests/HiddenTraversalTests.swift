import Testing

@testable import MirrorNet

@Suite struct HiddenTraversalTests {
    private static let forms: [(bytes: [UInt8], plain: String)] = [
        ([0xC0, 0x2E], "."), ([0xC0, 0x6E], "."), ([0xC0, 0xAE], "."), ([0xC0, 0xEE], "."), ([0xE0, 0x80, 0xAE], "."),
        ([0xF0, 0x80, 0x80, 0xAE], "."), ([0xF8, 0x80, 0x80, 0x80, 0xAE], "."), ([0xFC, 0x80, 0x80, 0x80, 0x80, 0xAE], "."),
        (Array("\u{FF0E}".utf8), "."), (Array("\u{2024}".utf8), "."), (Array("\u{FE52}".utf8), "."),
        (Array("\u{2025}".utf8), ".."), (Array("\u{FE30}".utf8), ".."),
        ([0xC0, 0x2F], "/"), ([0xC0, 0x6F], "/"), ([0xC0, 0xAF], "/"), ([0xC0, 0xEF], "/"), ([0xE0, 0x80, 0xAF], "/"),
        ([0xF0, 0x80, 0x80, 0xAF], "/"), ([0xF8, 0x80, 0x80, 0x80, 0xAF], "/"), ([0xFC, 0x80, 0x80, 0x80, 0x80, 0xAF], "/"),
        (Array("\u{FF0F}".utf8), "/"), (Array("\u{2215}".utf8), "/"), (Array("\u{2044}".utf8), "/"),
        (Array("\u{A5}".utf8), "/"), (Array("\u{20A9}".utf8), "/"),
        ([0xC1, 0x1C], "\\"), ([0xC1, 0x5C], "\\"), ([0xC1, 0x9C], "\\"), ([0xC1, 0xDC], "\\"), ([0xE0, 0x81, 0x9C], "\\"),
        ([0xF0, 0x80, 0x81, 0x9C], "\\"), ([0xF8, 0x80, 0x80, 0x81, 0x9C], "\\"), ([0xFC, 0x80, 0x80, 0x80, 0x81, 0x9C], "\\"),
        (Array("\u{FF3C}".utf8), "\\"), (Array("\u{2216}".utf8), "\\"), (Array("\u{FE68}".utf8), "\\"),
    ]

    @Test("Every odd form is found wherever it is, and what only begins like one stays")
    func oddForms() {
        for (bytes, text) in Self.forms {
            let (cut, plain) = (Array(bytes.dropLast()), Array(text.utf8))
            let path = Array("a".utf8) + cut + bytes + bytes + [0xC3, 0xA9] + bytes + cut
            let expected = Array("a".utf8) + cut + plain + plain + [0xC3, 0xA9] + plain + cut
            #expect(String.withoutOddForms(path) == expected, "\(bytes)")
        }
        let all = Self.forms.flatMap(\.bytes)
        #expect(String.withoutOddForms(all) == Self.forms.flatMap { Array($0.plain.utf8) })
    }

    @Test(
        "A segment is `..` without blanks, control characters and parameters, and nothing else is",
        arguments: [
            ("/a/..;", true), ("/a/..;x/..;y", true), ("/a/.;./b", false), ("/a;/..;", true), ("/a;..", false), ("/a%20../b", false),
            ("/%20.%0A.%7F/b", true), ("/.%20/b", false), ("/..%2E/b", false), ("/a;%5C", true), ("/;/..a", false), ("/b%2F..", true),
            ("/b/%2E%2E%E9", false),
        ])
    func segments(path: String, isHidden: Bool) {
        #expect(path.hasHiddenTraversal == isHidden)
    }
}
