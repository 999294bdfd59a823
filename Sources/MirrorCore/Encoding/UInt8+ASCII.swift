extension UInt8 {
    /// Whether this is a digit.
    @inlinable
    package var isASCIIDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    @inlinable
    package var isASCIILowercase: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }

    /// Whether this is a lower-case letter or a digit, which most names in services consist of.
    @inlinable
    package var isASCIILowercaseOrDigit: Bool { isASCIILowercase || isASCIIDigit }

    @inlinable
    package var isASCIIUppercase: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }

    /// The lower-case form of an upper-case letter; every other byte unchanged.
    @inlinable
    package var asciiLowercased: UInt8 { isASCIIUppercase ? self | 0x20 : self }
}
