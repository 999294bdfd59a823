/// Which of the 16,384 slots of a cluster a key belongs to.
///
/// - SeeAlso: Redis Cluster Specification, "Key distribution model" and "Hash tags".
enum HashSlot {
    static let count = 16_384

    static func of(_ key: String) -> Int {
        var key = key
        return key.withUTF8 { bytes in
            Int(crc16(tag(UnsafeRawBufferPointer(bytes)))) % count
        }
    }

    /// The text between the first `{` and the next `}`, unless it is empty; otherwise the whole key.
    private static func tag(_ key: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        guard let open = key.firstIndex(of: UInt8(ascii: "{")) else { return key[...] }
        let inner = key[(open + 1)...]
        guard let close = inner.firstIndex(of: UInt8(ascii: "}")), close > inner.startIndex else { return key[...] }
        return inner[..<close]
    }

    /// CRC-16/XMODEM.
    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        bytes.reduce(0) { crc, byte in crc << 8 ^ table[Int(crc >> 8 ^ UInt16(byte))] }
    }

    private static let table: [UInt16] = (0..<256).map { byte in
        (0..<8).reduce(UInt16(byte) << 8) { crc, _ in crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
    }
}
