import MirrorCore

/// What `Host` may contain: a host, and perhaps a port (RFC 9110 §7.2).
enum HostField {
    /// - Parameter value: May have spaces around it, as in a field.
    static func isValid(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { bytes in
            var bytes = bytes[...]
            while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
            while let last = bytes.last, isSpace(last) { bytes.removeLast() }
            if bytes.first == UInt8(ascii: "[") {
                guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return false }
                let address = String(decoding: bytes[(bytes.startIndex + 1)..<end], as: UTF8.self)
                return IPAddress(address)?.isIPv6 == true && isPort(bytes[(end + 1)...])
            }
            let name = bytes.prefix { $0 != UInt8(ascii: ":") }
            return isName(name) && isPort(bytes[name.endIndex...])
        }
    }

    /// A value without brackets, spaces or escapes: quick, and enough for what clients send.
    static func isPlain(_ bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        let name = bytes.prefix { isNameByte($0) }
        return !name.isEmpty && isPort(bytes[name.endIndex...])
    }

    /// `reg-name` or an IPv4 address (RFC 3986 §3.2.2). In an HTTP URL it is not empty (RFC 9110 §4.2.1).
    private static func isName(_ name: some Collection<UInt8>) -> Bool {
        var rest = name[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst(), let low = rest.popFirst(), Hex.value(of: high) != nil, Hex.value(of: low) != nil
                else { return false }
            } else if !isNameByte(byte) {
                return false
            }
        }
        return !name.isEmpty
    }

    /// Empty, or a colon and perhaps a number.
    private static func isPort(_ text: some Collection<UInt8>) -> Bool {
        guard let colon = text.first else { return true }
        let digits = text.dropFirst()
        guard colon == UInt8(ascii: ":"), digits.count <= 5 else { return false }
        var port = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return false }
            port = port * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return port <= 65_535
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// `unreserved` and `sub-delims`.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "$"),
            UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
