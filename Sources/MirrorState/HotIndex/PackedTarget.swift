/// A target in fewer bytes, reversibly: `%` and two upper-case hexadecimal digits below `80` become one byte above `7F`, which no target
/// contains. So a percent-encoded URL takes no more bytes than the URL itself.
enum PackedTarget {
    static let maxLength = 8_192

    /// - Returns: `nil` if the target is too long or not ASCII.
    static func pack(_ target: [UInt8]) -> [UInt8]? {
        guard target.count <= maxLength else { return nil }
        var packed: [UInt8] = []
        packed.reserveCapacity(target.count)
        var position = 0
        while position < target.count {
            let byte = target[position]
            guard byte < 0x80 else { return nil }
            if byte == UInt8(ascii: "%"), position + 2 < target.count, let first = digit(target[position + 1]), first < 8,
                let second = digit(target[position + 2])
            {
                packed.append(0x80 | first << 4 | second)
                position += 3
            } else {
                packed.append(byte)
                position += 1
            }
        }
        return packed
    }

    /// Whether packed bytes are those of this target.
    static func isEqual(_ packed: UnsafeRawBufferPointer, _ target: UnsafeRawBufferPointer) -> Bool {
        guard packed.count <= target.count else { return false }
        var position = 0
        for byte in packed {
            if byte < 0x80 {
                guard position < target.count, target[position] == byte else { return false }
                position += 1
            } else {
                guard position + 2 < target.count, target[position] == UInt8(ascii: "%"), target[position + 1] == digits(byte >> 4 & 7),
                    target[position + 2] == digits(byte & 15)
                else { return false }
                position += 3
            }
        }
        return position == target.count
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func digits(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
