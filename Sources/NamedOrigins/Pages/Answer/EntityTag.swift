import Crypto
import MirrorCore

/// Entity tags (RFC 9110 §8.8.3).
enum EntityTag {
    private static let maxLength = 1_024

    static func isValid(_ tag: String) -> Bool {
        let opaque = opaque(tag).utf8
        guard tag.utf8.count <= maxLength, opaque.count >= 2, opaque.first == UInt8(ascii: "\""), opaque.last == UInt8(ascii: "\"") else {
            return false
        }
        return opaque.dropFirst().dropLast().allSatisfy { $0 == 0x21 || (0x23...0x7E).contains($0) || $0 >= 0x80 }
    }

    /// The entity tag of a page as clients get it.
    ///
    /// - Parameter rewriting: Everything that its rewriting depends on; `nil` for a page that is not rewritten.
    static func of(_ record: PageRecord, rewriting: String?) -> String {
        guard let rewriting else { return record.etag ?? "\"\(record.sha256.prefix(32))\"" }
        // The same bytes and the same rewriting give the same bytes.
        let text = "\(record.sha256) \(record.finalURL) \(record.contentType ?? "") \(LinkRewriter.version) \(rewriting)"
        return "\"\(Hex.encode(SHA256.hash(of: text).prefix(16)))\""
    }

    /// Whether a client has this already (RFC 9110 §13.1.2).
    static func matches(_ tag: String, ifNoneMatch field: String) -> Bool {
        var rest = field.utf8[...]
        while let start = rest.firstIndex(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "\t") }) {
            rest = rest[start...]
            if rest.first == UInt8(ascii: "*") { return true }
            if rest.starts(with: "W/".utf8) { rest = rest.dropFirst(2) }
            guard rest.first == UInt8(ascii: "\""), let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "\"")) else { return false }
            if Substring(rest[...end]) == opaque(tag) { return true }
            rest = rest[rest.index(after: end)...]
        }
        return false
    }

    /// Without the mark of a weak one.
    private static func opaque(_ tag: String) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...] }
}
