/// Bytes that nobody can guess, from the system: for secrets, and for names that do not come twice.
package enum RandomBytes {
    /// Asks the system once for every eight bytes.
    package static func make(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { bytes += $0.prefix(count - bytes.count) }
        }
        return bytes
    }

    /// - Parameter count: Of bytes, each of which is two digits.
    package static func hex(_ count: Int) -> String { Hex.encode(make(count)) }
}
