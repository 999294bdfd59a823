import Foundation
import MirrorViews
import Testing

/// The colours of the pages.
@Suite
struct StyleTests {
    private typealias Palette = [String: String]

    private static let style = String(decoding: Asset.style.bytes, as: UTF8.self)

    /// The light one, and the dark one.
    private static var palettes: [Palette] {
        style.matches(of: /:root \{([^}]*)\}/).map { block in
            Palette(block.1.matches(of: /--([a-z-]+): (#[0-9a-f]+)/).map { (String($0.1), String($0.2)) }) { _, last in last }
        }
    }

    /// - SeeAlso: WCAG 2.2, "relative luminance".
    private static func luminance(_ color: String) throws -> Double {
        var digits = color.dropFirst().map { String($0) }
        if digits.count == 3 { digits = digits.flatMap { [$0, $0] } }
        try #require(digits.count == 6, "\(color)")
        let parts = try stride(from: 0, to: 6, by: 2).map { index -> Double in
            let value = Double(try #require(UInt8(digits[index] + digits[index + 1], radix: 16))) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }

    /// - SeeAlso: WCAG 2.2, "contrast ratio".
    private static func contrast(_ one: String, _ other: String, in palette: Palette) throws -> Double {
        let values = try [one, other].map { try luminance(try #require(palette[$0], "\($0)")) }.sorted()
        return (values[1] + 0.05) / (values[0] + 0.05)
    }

    @Test func `text has the contrast of level AA on what it stands on, in light and in dark, and edges of fields that of graphics`() throws
    {
        #expect(try Self.luminance("#fff") == 1)
        #expect(Self.palettes.count == 2)
        for palette in Self.palettes {
            for back in ["back", "card"] {
                for text in ["text", "muted", "accent", "good", "warn", "bad"] {
                    let ratio = try Self.contrast(text, back, in: palette)
                    #expect(ratio >= 4.5, "\(text) on \(back): \(ratio)")
                }
                let ratio = try Self.contrast("field", back, in: palette)
                #expect(ratio >= 3, "field on \(back): \(ratio)")
            }
            let ratio = try Self.contrast("on-accent", "accent", in: palette)
            #expect(ratio >= 4.5, "on-accent: \(ratio)")
        }
    }

    @Test func `there are no other colours, and what has the focus is outlined`() {
        let rest = Self.style.replacing(/:root \{[^}]*\}/, with: "")
        #expect(rest.matches(of: /#[0-9a-f]{3}|rgba?\(|hsla?\(|: (?:black|white|gray|grey|red)/).isEmpty)
        #expect(rest.contains(":focus-visible { outline: 3px solid var(--accent)"))
        #expect(!rest.contains("outline: none") && !rest.contains("outline: 0"))
    }
}
