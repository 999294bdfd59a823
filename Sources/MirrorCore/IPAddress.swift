#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An IPv4 or IPv6 address as its 4 or 16 bytes, in network order.
public struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// - Returns: `nil` unless there are 4 or 16 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads the dotted-decimal or the colon form, and nothing else: no octal, hexadecimal or short forms, no brackets, no zone.
    public init?(_ text: String) {
        // inet_pton would read up to a zero byte and take that for the whole.
        guard !text.utf8.contains(0) else { return nil }
        var storage = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &storage) == 1 {
            self.bytes = Array(storage[0..<4])
        } else if inet_pton(AF_INET6, text, &storage) == 1 {
            self.bytes = storage
        } else {
            return nil
        }
    }

    public var isIPv6: Bool { bytes.count == 16 }

    /// The IPv4 address that an IPv4-mapped IPv6 address (`::ffff:10.1.2.3`) stands for; any other address itself.
    ///
    /// What a listener on `[::]` sees of IPv4 clients.
    public var unmapped: IPAddress {
        let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        guard isIPv6, bytes.starts(with: prefix) else { return self }
        return IPAddress(bytes: Array(bytes[12...])) ?? self
    }

    /// The canonical text (RFC 5952 for IPv6), without brackets.
    public var description: String {
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return text.withUnsafeBufferPointer { String(decoding: UnsafeRawBufferPointer($0).prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// A network in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`; a bare address is a network of one.
public struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    public let address: IPAddress
    public let prefixLength: Int

    /// - Returns: `nil` for anything unreadable, and for bits set beyond the prefix (`10.1.0.0/8`), which is a slip of the pen more often than meant.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else { return nil }
        let width = address.bytes.count * 8
        var length = width
        if parts.count == 2 {
            guard let number = Int(digits: parts[1]), number <= width else { return nil }
            length = number
        }
        self.address = address
        self.prefixLength = length
        guard (length..<width).allSatisfy({ address.bytes[$0 / 8] >> UInt8(7 - $0 % 8) & 1 == 0 }) else { return nil }
    }

    public func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        let whole = prefixLength / 8
        guard address.bytes[..<whole] == other.bytes[..<whole] else { return false }
        let rest = prefixLength % 8
        guard rest > 0 else { return true }
        return address.bytes[whole] >> UInt8(8 - rest) == other.bytes[whole] >> UInt8(8 - rest)
    }

    public var description: String { "\(address)/\(prefixLength)" }
}
