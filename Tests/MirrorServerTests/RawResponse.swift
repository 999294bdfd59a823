/// A response as it came over the wire.
struct RawResponse: Sendable {
    /// The connection ended in the middle of a response.
    struct Cut: Error, CustomStringConvertible {
        let bytes: [UInt8]

        var description: String { "the connection ended after \(bytes.count) bytes: \(Array(bytes.prefix(500)).shown)" }
    }

    /// `HTTP/1.1 302 Found`
    let statusLine: String
    let status: Int
    let fields: [(name: String, value: String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of the only field of that name.
    subscript(name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name.lowercased() }
        return values.count == 1 ? values[0].value : nil
    }

    func has(_ name: String) -> Bool { fields.contains { $0.name.lowercased() == name.lowercased() } }

    /// Reads the response at the front of `bytes`.
    ///
    /// - Parameter toHead: Whether it answers a HEAD request, so that no body follows whatever the fields say.
    /// - Returns: `nil` while it is not whole.
    static func parse(_ bytes: [UInt8], toHead: Bool) -> (RawResponse, length: Int)? {
        guard let headEnd = bytes.end(of: "\r\n\r\n", from: 0) else { return nil }
        let lines = String(decoding: bytes[..<(headEnd - 4)], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count >= 2, let status = Int(words[1]) else { return nil }
        let fields = lines.dropFirst().map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), parts.count == 2 ? String(parts[1].drop { $0 == " " }) : "")
        }
        func value(_ name: String) -> String? { fields.first { $0.name.lowercased() == name }?.value }
        func make(_ body: [UInt8]) -> RawResponse { RawResponse(statusLine: String(lines[0]), status: status, fields: fields, body: body) }
        if toHead || status == 204 || status == 304 || status < 200 { return (make([]), headEnd) }
        if value("transfer-encoding")?.lowercased() == "chunked" {
            guard let (body, end) = chunked(bytes, from: headEnd) else { return nil }
            return (make(body), end)
        }
        let length = value("content-length").flatMap { Int($0) } ?? 0
        guard bytes.count >= headEnd + length else { return nil }
        return (make(Array(bytes[headEnd..<(headEnd + length)])), headEnd + length)
    }

    private static func chunked(_ bytes: [UInt8], from start: Int) -> (body: [UInt8], end: Int)? {
        var body: [UInt8] = []
        var position = start
        while let lineEnd = bytes.end(of: "\r\n", from: position) {
            guard let size = Int(String(decoding: bytes[position..<(lineEnd - 2)], as: UTF8.self), radix: 16) else { return nil }
            guard bytes.count >= lineEnd + size + 2 else { return nil }
            body += bytes[lineEnd..<(lineEnd + size)]
            position = lineEnd + size + 2
            if size == 0 { return (body, position) }
        }
        return nil
    }
}

extension [UInt8] {
    /// The index behind the first occurrence of `text` at or after `start`.
    func end(of text: String, from start: Int) -> Int? {
        let needle = Array(text.utf8)
        guard count >= needle.count else { return nil }
        var position = start
        while position + needle.count <= count {
            if self[position] == needle[0], self[position..<(position + needle.count)].elementsEqual(needle) {
                return position + needle.count
            }
            position += 1
        }
        return nil
    }

    /// The same text with the value of every `Date` field made equal.
    var withoutDates: [UInt8] {
        var out: [UInt8] = []
        var position = 0
        while let end = end(of: "\r\nDate: ", from: position) {
            out += self[position..<end]
            out += Array("-".utf8)
            position = self[end...].firstIndex(of: UInt8(ascii: "\r")) ?? count
        }
        return out + self[position...]
    }

    /// For messages of failed tests.
    var shown: String {
        var out = ""
        for byte in self {
            switch byte {
            case UInt8(ascii: "\r"): out += "\\r"
            case UInt8(ascii: "\n"): out += "\\n\n"
            case 0x20..<0x7F: out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "\\x" + String(byte, radix: 16)
            }
        }
        return out
    }
}
