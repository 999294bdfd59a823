import MirrorCore

/// What a proxy states at the beginning of a connection that it makes for a client: the PROXY protocol, versions 1 and 2.
///
/// - SeeAlso: HAProxy, "The PROXY protocol, versions 1 & 2".
struct ProxyConnectionHeader: Equatable {
    /// The client, with an IPv4-mapped address as IPv4; `nil` if the connection is the proxy's own, or the proxy does not say.
    let client: IPAddress?
    /// Bytes of the header.
    let length: Int
}

/// Reads a PROXY header from the first bytes of a connection. Anything that is not exactly one is garbage.
enum ProxyHeaderReader {
    enum Verdict: Equatable {
        case header(ProxyConnectionHeader)
        /// The bytes may be the beginning of a header.
        case incomplete
        case garbage
    }

    /// Bytes of a version 2 header with its additions. A longer one would contain a certificate, which is not read here.
    static let maxLength = 4_096
    /// Bytes of a version 1 line, including its end.
    private static let maxLine = 107
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    private static let word = Array("PROXY ".utf8)

    static func read(_ bytes: some RandomAccessCollection<UInt8>) -> Verdict {
        let bytes = Array(bytes.prefix(maxLength))
        if isBeginning(bytes, signature) { return readBinary(bytes) }
        if isBeginning(bytes, word) { return readLine(bytes) }
        return .garbage
    }

    /// Whether they are equal up to the end of the shorter one.
    private static func isBeginning(_ bytes: [UInt8], _ text: [UInt8]) -> Bool {
        zip(bytes, text).allSatisfy { $0 == $1 }
    }

    // MARK: Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` and a line's end

    private static func readLine(_ bytes: [UInt8]) -> Verdict {
        let line = bytes.prefix(maxLine)
        guard let end = line.firstIndex(of: UInt8(ascii: "\n")) else { return bytes.count < maxLine ? .incomplete : .garbage }
        guard end > 0, line[end - 1] == UInt8(ascii: "\r") else { return .garbage }
        let words = line[..<(end - 1)].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        // Anything may follow this word.
        if words.count >= 2, words[1] == "UNKNOWN" { return .header(ProxyConnectionHeader(client: nil, length: end + 1)) }
        guard words.count == 6, ["TCP4", "TCP6"].contains(words[1]), let source = IPAddress(words[2]), let target = IPAddress(words[3]),
            source.isIPv6 == (words[1] == "TCP6"), target.isIPv6 == source.isIPv6, isPort(words[4]), isPort(words[5])
        else { return .garbage }
        return .header(ProxyConnectionHeader(client: source.unmapped, length: end + 1))
    }

    private static func isPort(_ text: String) -> Bool {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy(\.isASCIIDigit),
            text == "0" || text.utf8.first != UInt8(ascii: "0")
        else { return false }
        return UInt16(text) != nil
    }

    // MARK: Version 2: a signature, version and command, family and protocol, a length, addresses and ports, additions

    private static func readBinary(_ bytes: [UInt8]) -> Verdict {
        // Errors are reported as early as possible, so that a connection does not wait for bytes that never come.
        guard bytes.count > 12 else { return .incomplete }
        guard bytes[12] == 0x20 || bytes[12] == 0x21 else { return .garbage }
        let isLocal = bytes[12] == 0x20
        guard bytes.count > 13 else { return .incomplete }
        guard isLocal || [0x00, 0x11, 0x21].contains(bytes[13]) else { return .garbage }
        guard bytes.count >= 16 else { return .incomplete }
        let length = 16 + Int(bytes[14]) << 8 + Int(bytes[15])
        let addressLength = isLocal ? 0 : [0x11: 4, 0x21: 16][bytes[13], default: 0]
        guard length <= maxLength, length >= 16 + (addressLength == 0 ? 0 : 2 * addressLength + 4) else { return .garbage }
        guard bytes.count >= length else { return .incomplete }
        let client = addressLength == 0 ? nil : IPAddress(bytes: Array(bytes[16..<(16 + addressLength)]))
        return .header(ProxyConnectionHeader(client: client?.unmapped, length: length))
    }
}
