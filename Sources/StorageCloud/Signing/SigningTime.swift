package import MirrorCore

/// A time in the formats of signatures.
package struct SigningTime: Sendable {
    /// `20130524T000000Z`
    package let dateTime: String
    /// `20130524`
    package let day: String

    package init(_ time: Timestamp) {
        var text: [UInt8] = []
        text.reserveCapacity(16)
        for byte in time.iso8601.utf8 {
            if byte == UInt8(ascii: ".") { break }
            if byte != UInt8(ascii: "-"), byte != UInt8(ascii: ":") { text.append(byte) }
        }
        day = String(decoding: text.prefix { $0 != UInt8(ascii: "T") }, as: UTF8.self)
        text.append(UInt8(ascii: "Z"))
        dateTime = String(decoding: text, as: UTF8.self)
    }
}
