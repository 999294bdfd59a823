import MirrorCore
import NIOCore
import NIOHTTP1

/// The parts of a `multipart/mixed` answer to a batch, each of which is a complete answer.
///
/// - SeeAlso: Azure Storage REST API, "Blob Batch"; RFC 2046 §5.1.
struct BatchParts {
    struct Part {
        /// Which request it answers, counted from 0; `nil` if it does not say.
        let number: Int?
        let status: Int
        let headers: HTTPHeaders
        let body: ByteBuffer
    }

    let parts: [Part]

    /// - Parameter contentType: Names the boundary.
    /// - Returns: `nil` if this is not such an answer; malformed parts are left out.
    init?(_ bytes: ByteBuffer, contentType: String) {
        guard let boundary = Self.boundary(contentType) else { return nil }
        // Lines and fields are ASCII, and a line may end in any of the usual ways.
        let lines = String(buffer: bytes).split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        let open = "--\(boundary)"
        var sections: [[Substring]] = []
        var current: [Substring]?
        for line in lines {
            let text = line.hasSuffix("\r") ? line.dropLast() : line
            if text == open || text == "\(open)--" {
                if let current { sections.append(current) }
                current = text == open ? [] : nil
            } else {
                current?.append(text)
            }
        }
        parts = sections.compactMap(Self.part)
    }

    private static func boundary(_ contentType: String) -> Substring? {
        guard contentType.lowercased().hasPrefix("multipart/mixed") else { return nil }
        for item in contentType.split(separator: ";") {
            let item = item.drop { $0 == " " }
            guard item.lowercased().hasPrefix("boundary=") else { continue }
            let value = item.dropFirst("boundary=".count).filter { $0 != "\"" }
            return (1...200).contains(value.utf8.count) ? value[...] : nil
        }
        return nil
    }

    /// Fields of the part, an empty line, a status line, fields of the answer, an empty line, its body.
    private static func part(_ lines: [Substring]) -> Part? {
        guard let end = lines.firstIndex(of: "") else { return nil }
        let outer = headers(lines[..<end])
        let inner = lines[(end + 1)...]
        guard let line = inner.first, line.hasPrefix("HTTP/1.") else { return nil }
        let words = line.split(separator: " ")
        guard words.count >= 2, let status = Int(digits: words[1]), (200...599).contains(status) else { return nil }
        let rest = inner.dropFirst()
        let fieldsEnd = rest.firstIndex(of: "") ?? rest.endIndex
        let body = rest[fieldsEnd...].dropFirst().joined(separator: "\n")
        return Part(
            number: outer.first(name: "content-id").flatMap { Int(digits: $0) }, status: status, headers: headers(rest[..<fieldsEnd]),
            body: ByteBuffer(string: body))
    }

    private static func headers(_ lines: ArraySlice<Substring>) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for line in lines {
            // HTTPHeaders traps on a name that is not ASCII.
            guard let colon = line.firstIndex(of: ":"), line[..<colon].utf8.allSatisfy({ $0 < 0x80 }) else { continue }
            headers.add(name: String(line[..<colon]), value: String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        return headers
    }
}
