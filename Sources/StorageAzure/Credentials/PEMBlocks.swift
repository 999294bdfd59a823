import MirrorCore

/// The blocks of a file in PEM (RFC 7468).
struct PEMBlocks {
    struct Block {
        /// `CERTIFICATE`
        let label: String
        /// Including its first and last line.
        let text: String
        /// Its content; `nil` if that is not base64.
        let bytes: [UInt8]?
    }

    let blocks: [Block]

    /// Text outside of blocks is ignored, and so is a block that does not end.
    init(_ text: String) {
        var blocks: [Block] = []
        var label: Substring?
        var lines: [Substring] = []
        for raw in text.split(whereSeparator: \.isNewline) {
            let line = raw.drop { $0 == " " || $0 == "\t" }
            if let begun = Self.label(line, "BEGIN") {
                label = begun
                lines = []
            } else if let ended = Self.label(line, "END") {
                if let label, label == ended {
                    // Fields before the bytes belong to old formats with passwords.
                    let held = lines.allSatisfy { !$0.contains(":") } ? Base64.decode(lines.joined().filter { !$0.isWhitespace }) : nil
                    let text = ["-----BEGIN \(label)-----"] + lines.map(String.init) + ["-----END \(label)-----", ""]
                    blocks.append(Block(label: String(label), text: text.joined(separator: "\n"), bytes: held))
                }
                label = nil
            } else {
                lines.append(line)
            }
        }
        self.blocks = blocks
    }

    private static func label(_ line: Substring, _ word: String) -> Substring? {
        let (begin, end) = ("-----\(word) ", "-----")
        guard line.hasPrefix(begin) else { return nil }
        let rest = line.dropFirst(begin.count)
        guard let close = rest.firstRange(of: end) else { return nil }
        return rest[..<close.lowerBound]
    }
}
