extension JSONValue {
    /// Decoding takes microseconds for each value, and some of the stack for each level. Servers that mean well send far less.
    package static let maxValues = 100_000
    package static let maxDepth = 64

    /// Whether a document has few enough values, in few enough levels, to be decoded, and no bytes of UTF-16 or UTF-32. Whether it is JSON at all is
    /// another matter.
    package static func isDecodable(_ bytes: some Sequence<UInt8>, maxValues: Int = maxValues) -> Bool {
        var (values, depth) = (1, 0)
        var (isInString, isEscaped) = (false, false)
        for byte in bytes {
            // Not JSON in UTF-8. The decoder might read UTF-16, where what looks like a quote may be half of another character, and levels hide in
            // what looks like a string.
            if byte == 0 { return false }
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: ","): values += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"): (values, depth) = (values + 1, depth + 1)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            guard values <= maxValues, depth <= maxDepth else { return false }
        }
        return true
    }
}
