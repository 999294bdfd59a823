import NIOHTTP1

/// The fields of a request that somebody here reads. All others are dropped as soon as they are read, and those of a redirect request that only
/// other routes read: it may wait for a copy for minutes, and ten thousand may do so.
enum RequestFields {
    private static let always: Set = ["host", "connection", "user-agent", "x-forwarded-for"]
    private static let elsewhere: Set = [
        "accept", "authorization", "content-type", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
        "prefer", "range",
    ]
    /// Bytes of the fields that a redirect request is told apart by. Of longer ones what counts is kept.
    private static let maxLength = 1_024

    static func kept(of head: HTTPRequestHead) -> HTTPHeaders {
        let isRedirect = head.uri.utf8.starts(with: "/v1/redirect".utf8)
        var kept = HTTPHeaders()
        for (name, value) in head.headers {
            let known = name.lowercased()
            if always.contains(known) {
                kept.add(name: name, value: isRedirect ? cut(value, of: known) : value)
            } else if !isRedirect, elsewhere.contains(known) {
                kept.add(name: name, value: value)
            }
        }
        return kept
    }

    private static func cut(_ value: String, of field: String) -> String {
        guard value.utf8.count > maxLength else { return value }
        guard field == "x-forwarded-for" else { return String(decoding: value.utf8.prefix(maxLength), as: UTF8.self) }
        // It is read from the right, by elements.
        return String(decoding: value.utf8.suffix(maxLength).drop { $0 != UInt8(ascii: ",") }, as: UTF8.self)
    }
}
