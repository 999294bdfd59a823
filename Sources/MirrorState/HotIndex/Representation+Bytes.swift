import MirrorCore

/// The form in a ``HotRecord``: the time, and each text preceded by its length plus one; 0 if there is no text.
extension Representation {
    /// Longer ones are not remembered; the pool can state them again.
    private static let maxBytes = 4_096

    /// - Returns: `nil` if it is too long.
    var bytes: [UInt8]? {
        var bytes: [UInt8] = []
        withUnsafeBytes(of: lastModified.milliseconds) { bytes.append(contentsOf: $0) }
        for text in [etag, contentType, contentEncoding, contentDisposition] {
            let length = text.map { $0.utf8.count + 1 } ?? 0
            guard length <= Self.maxBytes else { return nil }
            bytes.append(UInt8(length >> 8))
            bytes.append(UInt8(length & 0xFF))
            bytes.append(contentsOf: text?.utf8 ?? "".utf8)
        }
        return bytes.count <= Self.maxBytes ? bytes : nil
    }

    init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 8 else { return nil }
        var position = 8
        func text() -> String? {
            guard position + 2 <= bytes.count else { return nil }
            let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
            position += 2
            guard length > 0, position + length - 1 <= bytes.count else { return nil }
            defer { position += length - 1 }
            return String(decoding: bytes[position..<(position + length - 1)], as: UTF8.self)
        }
        guard let etag = text() else { return nil }
        self.init(
            etag: etag, lastModified: Timestamp(milliseconds: bytes.loadUnaligned(as: Int64.self)), contentType: text(),
            contentEncoding: text(), contentDisposition: text())
    }
}
