import MirrorCore

extension String {
    /// This path of an ``ArtifactURL`` as a lenient server may read it, in canonical form; `nil` if that is the same path.
    ///
    /// Escapes are decoded, also several times over; backslashes, odd forms of slashes and several slashes in a row are one slash; what follows a
    /// semicolon, and dots, blanks and control characters at the end of a segment, are dropped; then the dot segments go (see ``hasHiddenTraversal``).
    /// The path ends before a NUL, a question mark or a hash that was encoded.
    package var lenientPath: String? {
        guard isReadDifferently else { return nil }
        var bytes = Array(utf8)
        for _ in 0..<Self.maxLayers {
            let decoded = Self.percentDecoded(bytes)
            guard decoded.count < bytes.count else { break }
            bytes = decoded
        }
        bytes = Self.withoutOddForms(bytes).prefix { $0 != 0 && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
            .map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }
        var kept: [ArraySlice<UInt8>] = []
        for segment in bytes.split(separator: UInt8(ascii: "/")) {
            let name = segment.prefix { $0 != UInt8(ascii: ";") }
            switch Array(name.filter { $0 > 0x20 && $0 != 0x7F }) {
            case [], [UInt8(ascii: ".")]: continue
            case [UInt8(ascii: "."), UInt8(ascii: ".")]: _ = kept.popLast()
            default:
                let end = name.lastIndex { $0 != UInt8(ascii: ".") && $0 > 0x20 && $0 != 0x7F }
                if let end { kept.append(name[...end]) }
            }
        }
        var path: [UInt8] = []
        for segment in kept {
            path.append(UInt8(ascii: "/"))
            for byte in segment {
                let isPlain = PercentCoding.isUnreserved(byte) || "!$&'()*+,=:@".utf8.contains(byte)
                if isPlain { path.append(byte) } else { PercentCoding.append(byte, to: &path) }
            }
        }
        if path.isEmpty || bytes.last == UInt8(ascii: "/") { path.append(UInt8(ascii: "/")) }
        let text = String(decoding: path, as: UTF8.self)
        return text == self ? nil : text
    }

    /// Whether there is anything in this path that servers read in different ways: quick, because hardly any path has it.
    private var isReadDifferently: Bool {
        var last = UInt8(ascii: " ")
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "%"), UInt8(ascii: ";"): return true
            case UInt8(ascii: "/") where last == UInt8(ascii: "/") || last == UInt8(ascii: "."): return true
            default: last = byte
            }
        }
        return last == UInt8(ascii: ".")
    }
}
