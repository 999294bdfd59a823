import MirrorCore

/// An element of an `X-Forwarded-For` field, in any spelling that proxies use: `10.1.2.3`, `10.1.2.3:51234`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:443`, each optionally in quotes, and IPv6 addresses with a zone. In a `Forwarded` field, the same after `for=`.
struct ForwardedNode {
    /// Without port and zone; an IPv4-mapped address becomes IPv4. `nil` if the proxy does not state the address (`unknown`, `_hidden`), or if it
    /// cannot be read.
    let address: IPAddress?

    /// - Returns: `nil` for an empty element.
    init?(_ element: Slice<UnsafeRawBufferPointer>) {
        let text = Self.trimmed(element)
        guard !text.isEmpty else { return nil }
        address = Self.address(Self.unquoted(text))?.unmapped
    }

    /// Reads an element of `Forwarded`: `for=10.1.2.3;proto=https` (RFC 7239 §4). An element without `for`, or with several, has no address.
    ///
    /// - Returns: `nil` for an empty element.
    init?(pairs element: Slice<UnsafeRawBufferPointer>) {
        guard !Self.trimmed(element).isEmpty else { return nil }
        var (value, count) = (element[element.endIndex...], 0)
        var rest = element
        while !rest.isEmpty {
            let pair = rest.prefix { $0 != UInt8(ascii: ";") }
            rest = rest[pair.endIndex...].dropFirst()
            guard let mark = pair.firstIndex(of: UInt8(ascii: "=")), Self.isFor(Self.trimmed(pair[..<mark])) else { continue }
            value = Self.trimmed(pair[pair.index(after: mark)...])
            count += 1
        }
        address = count == 1 ? Self.address(Self.unquoted(value))?.unmapped : nil
    }

    /// Whether it is the word `for`, in any case.
    private static func isFor(_ name: Text) -> Bool {
        name.count == 3 && zip(name, "for".utf8).allSatisfy { $0 | 0x20 == $1 }
    }

    private typealias Text = Slice<UnsafeRawBufferPointer>

    private static func trimmed(_ text: Text) -> Text {
        func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let start = text.drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return start }
        return start[...last]
    }

    private static func unquoted(_ text: Text) -> Text {
        let quote = UInt8(ascii: "\"")
        guard text.count >= 2, text.first == quote, text.last == quote else { return text }
        return text.dropFirst().dropLast()
    }

    private static func address(_ text: Text) -> IPAddress? {
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")), isPort(text[text.index(after: end)...]) else { return nil }
            return ipv6(text[..<end].dropFirst())
        }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return plain(text) }
        let rest = text[text.index(after: colon)...]
        // A port after an IPv6 address without brackets could not be told from the last group of the address.
        guard !rest.contains(UInt8(ascii: ":")) else { return ipv6(text) }
        guard isPort(text[colon...]) else { return nil }
        return plain(text[..<colon])
    }

    private static func plain(_ text: Text) -> IPAddress? {
        IPAddress(text: UnsafeRawBufferPointer(rebasing: text))
    }

    /// The zone names one of the proxy's own interfaces (RFC 4007 §11), which does not matter here.
    private static func ipv6(_ text: Text) -> IPAddress? {
        var address = text
        if let percent = text.firstIndex(of: UInt8(ascii: "%")) {
            let zone = text[text.index(after: percent)...]
            guard !zone.isEmpty, zone.allSatisfy(isWordByte) else { return nil }
            address = text[..<percent]
        }
        return plain(address).flatMap { $0.isIPv6 ? $0 : nil }
    }

    /// Whether the text is empty or a port: a colon and a number, or a name that a proxy made up (RFC 7239 §6).
    private static func isPort(_ text: Text) -> Bool {
        guard let colon = text.first else { return true }
        let port = text.dropFirst()
        guard colon == UInt8(ascii: ":"), let first = port.first else { return false }
        if first == UInt8(ascii: "_") { return port.count > 1 && port.allSatisfy(isWordByte) }
        return port.count <= 5 && port.allSatisfy(\.isASCIIDigit) && port.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 65_535
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"), UInt8(ascii: "~"), UInt8(ascii: "%"):
            true
        default: byte.isASCIIDigit
        }
    }
}
