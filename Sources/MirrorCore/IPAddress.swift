import CLibrary

/// An IPv4 or IPv6 address. The value needs no allocation.
package struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    /// The first 8 bytes, of which an IPv4 address has 4.
    private let high: UInt64
    private let low: UInt64
    package let isIPv6: Bool

    private init(high: UInt64, low: UInt64, isIPv6: Bool) {
        self.high = high
        self.low = low
        self.isIPv6 = isIPv6
    }

    private init(ipv4: UInt32) {
        self.init(high: UInt64(ipv4) << 32, low: 0, isIPv6: false)
    }

    /// - Parameter bytes: In network order.
    /// - Returns: `nil` unless there are 4 or 16 bytes.
    package init?(bytes: [UInt8]) {
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        switch bytes.count {
        case 4: self.init(high: word(bytes[...]) << 32, low: 0, isIPv6: false)
        case 16: self.init(high: word(bytes[..<8]), low: word(bytes[8...]), isIPv6: true)
        default: return nil
        }
    }

    /// Reads the dotted-decimal or the colon form, and nothing else: no octal, hexadecimal or short forms, no brackets, no zone.
    package init?(_ text: String) {
        var text = text
        guard let address = text.withUTF8({ IPAddress(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = address
    }

    /// Reads the same forms from the bytes of a text.
    package init?(text: UnsafeRawBufferPointer) {
        // inet_pton reads only up to a zero byte, and would take that part for the whole text.
        guard text.count <= Self.maxLength, !text.contains(0) else { return nil }
        let address = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.maxLength + 1) { copy -> IPAddress? in
            for (index, byte) in text.enumerated() { copy[index] = CChar(bitPattern: byte) }
            copy[text.count] = 0
            var ipv4: UInt32 = 0
            if inet_pton(AF_INET, copy.baseAddress, &ipv4) == 1 { return IPAddress(ipv4: UInt32(bigEndian: ipv4)) }
            var ipv6: (high: UInt64, low: UInt64) = (0, 0)
            guard inet_pton(AF_INET6, copy.baseAddress, &ipv6) == 1 else { return nil }
            return IPAddress(high: UInt64(bigEndian: ipv6.high), low: UInt64(bigEndian: ipv6.low), isIPv6: true)
        }
        guard let address else { return nil }
        self = address
    }

    /// The length in bytes of the longest address: six groups of hexadecimal digits and an IPv4 address.
    private static let maxLength = 45

    /// The 4 or 16 bytes, in network order.
    package var bytes: [UInt8] {
        (0..<(isIPv6 ? 16 : 4)).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * ($0 % 8))) }
    }

    /// The IPv4 address in an IPv4-mapped IPv6 address (`::ffff:10.1.2.3`); any other address unchanged.
    ///
    /// A listener on `[::]` sees IPv4 clients as mapped addresses.
    package var unmapped: IPAddress {
        guard isIPv6, high == 0, low >> 32 == 0xFFFF else { return self }
        return IPAddress(ipv4: UInt32(truncatingIfNeeded: low))
    }

    /// Whether this is a loopback address: 127.0.0.0/8, ::1, and IPv4-mapped ones.
    package var isLoopback: Bool { unmapped.isIPv6 ? high == 0 && low == 1 : unmapped.ipv4.map { $0 >> 24 == 127 } ?? false }

    /// An IPv4 address as a number; `nil` for an IPv6 address.
    package var ipv4: UInt32? { isIPv6 ? nil : UInt32(truncatingIfNeeded: high >> 32) }

    /// The first 64 bits of an IPv6 address; `nil` for an IPv4 address.
    package var ipv6Network: UInt64? { isIPv6 ? high : nil }

    /// The address with all bits after the first `length` cleared.
    fileprivate func prefix(_ length: Int) -> IPAddress {
        func first(_ count: Int, of word: UInt64) -> UInt64 { word & ~(UInt64.max >> max(count, 0)) }
        return IPAddress(high: first(length, of: high), low: first(length - 64, of: low), isIPv6: isIPv6)
    }

    /// The canonical text (RFC 5952 for IPv6), without brackets.
    package var description: String {
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(isIPv6 ? AF_INET6 : AF_INET, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return text.withUnsafeBufferPointer { String(decoding: UnsafeRawBufferPointer($0).prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// A network in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`; a bare address is a network of one.
package struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    package let address: IPAddress
    package let prefixLength: Int

    /// - Returns: `nil` for anything else, and for bits set beyond the prefix (`10.1.0.0/8`), which is usually a mistake.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPAddress(String(parts[0])) else { return nil }
        let width = address.isIPv6 ? 128 : 32
        var length = width
        if parts.count == 2 {
            guard let number = Int(digits: parts[1]), number <= width else { return nil }
            length = number
        }
        self.address = address
        self.prefixLength = length
        guard address.prefix(length) == address else { return nil }
    }

    private init(address: IPAddress, prefixLength: Int) {
        self.address = address
        self.prefixLength = prefixLength
    }

    /// The IPv4 network for a network of IPv4-mapped addresses (`::ffff:10.0.0.0/104`); any other network unchanged.
    ///
    /// Addresses are compared as ``IPAddress/unmapped``, so a mapped network would contain none of them.
    package var unmapped: IPNetwork {
        let ipv4 = address.unmapped
        // With a prefix shorter than 96, the bits that mark mapped addresses would not all be set.
        guard address.isIPv6, !ipv4.isIPv6 else { return self }
        return IPNetwork(address: ipv4, prefixLength: prefixLength - 96)
    }

    package func contains(_ other: IPAddress) -> Bool {
        other.prefix(prefixLength) == address
    }

    package var description: String { "\(address)/\(prefixLength)" }
}
