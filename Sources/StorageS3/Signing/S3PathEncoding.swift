import MirrorCore

/// How keys become paths, so that path and signature agree: the service decodes the path once and encodes it again in this way.
///
/// Nothing is normalized: `//`, `.` and `..` are parts of a key like any other.
/// - SeeAlso: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", `UriEncode`.
package enum S3PathEncoding {
    /// Every byte but the unreserved ones and `/` becomes `%XX`.
    package static func encode(key: String) -> String {
        PercentCoding.encode(key) { PercentCoding.isUnreserved($0) || $0 == UInt8(ascii: "/") }
    }

    /// A path as somebody else has encoded it, in the service's own way: it names the same key.
    ///
    /// - Returns: `nil` for a `%` that two hexadecimal digits do not follow.
    package static func recode(path: String) -> String? {
        var out: [UInt8] = []
        out.reserveCapacity(path.utf8.count + 16)
        var iterator = path.utf8.makeIterator()
        while let byte = iterator.next() {
            var value = byte
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next(), let low = iterator.next(),
                    let decoded = Hex.decode(String(decoding: [high, low], as: UTF8.self))?.first
                else { return nil }
                value = decoded
            }
            // A slash that was written as %2F is a slash of the key, too: the service knows no difference.
            if PercentCoding.isUnreserved(value) || value == UInt8(ascii: "/") {
                out.append(value)
            } else {
                out.append(contentsOf: "%\(Hex.encode([value]).uppercased())".utf8)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
