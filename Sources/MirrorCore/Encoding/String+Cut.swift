import Crypto

extension String {
    /// The text itself or, if it is longer, its beginning, an ellipsis, and the first digits of the SHA-256 of the whole text. The digits can be
    /// searched for, and distinguish the text from others with the same beginning.
    ///
    /// It never splits a character, a percent-escape, or a character that is written as several escapes.
    ///
    /// - Parameter limit: The maximum length of the result in bytes; 64 or more.
    package func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        let mark = "…[sha256:\(Hex.encode(SHA256.hash(of: self).prefix(8)))]"
        let room = limit - mark.utf8.count
        let bytes = Array(utf8.prefix(room + 3))
        return String(decoding: bytes[..<Self.boundary(in: bytes, at: room)], as: UTF8.self) + mark
    }

    /// The last position up to `end` that is between two characters.
    private static func boundary(in bytes: [UInt8], at end: Int) -> Int {
        let percent = UInt8(ascii: "%")
        var end = end
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        if let start = (Swift.max(end - 2, 0)..<end).last(where: { bytes[$0] == percent }) { end = start }
        // An escaped continuation byte of a character; at most three escapes of that character precede it.
        for _ in 0..<3 where end >= 3 && bytes[end] == percent && "89ABab".utf8.contains(bytes[end + 1]) && bytes[end - 3] == percent {
            end -= 3
        }
        return end
    }
}
