import MirrorCore
import MirrorTracing

/// Recognises the plainest requests at the front of a buffer: what curl, wget and pip send for a redirect.
///
/// Deliberately narrow. If it is not sure (another method or version, a body, a field that changes the connection in any way but to end it, an odd
/// byte, an incomplete head) it returns `.other`, and the full HTTP parser decides. It must never call a request plain that the parser would refuse,
/// or would read as anything but one request without a body of exactly that length.
enum RequestScanner {
    enum Verdict: Equatable {
        /// One whole request without a body.
        ///
        /// - isLast: Whether the client wants the connection to end after the answer.
        case plain(length: Int, target: Range<Int>, isHead: Bool, isLast: Bool)
        case other
    }

    /// The length of a head in bytes beyond which the full parser decides.
    static let maxLength = 8_192
    /// The number of fields beyond which the full parser decides; it accepts 100.
    static let maxFields = 64

    /// - Parameter limit: The bytes of a head that the full parser would accept.
    /// - Parameter readsTraces: Whether a request that wants to be traced is left to the slow path, which does that.
    static func scan(_ bytes: UnsafeRawBufferPointer, limit: Int = maxLength, readsTraces: Bool = false) -> Verdict {
        let isHead: Bool
        let targetStart: Int
        if starts(bytes, with: "GET /") {
            (isHead, targetStart) = (false, 4)
        } else if starts(bytes, with: "HEAD /") {
            (isHead, targetStart) = (true, 5)
        } else {
            return .other
        }
        let end = min(bytes.count, maxLength, limit)
        var position = targetStart
        while position < end, isTargetByte(bytes[position]) { position += 1 }
        let targetEnd = position
        guard starts(bytes, at: position, with: " HTTP/1.1\r\n") else { return .other }
        position += 11
        var (hosts, closes) = (0, 0)
        for _ in 0...maxFields {
            guard position + 1 < end else { return .other }
            if bytes[position] == cr {
                guard bytes[position + 1] == lf, hosts == 1 else { return .other }
                return .plain(length: position + 2, target: targetStart..<targetEnd, isHead: isHead, isLast: closes > 0)
            }
            guard let field = Field(bytes, at: position, before: end) else { return .other }
            switch field.kind(bytes) {
            case .host: hosts += 1
            case .close: closes += 1
            case .harmless: break
            case .traced: if readsTraces { return .other }
            case .unsafe: return .other
            }
            position = field.end
        }
        return .other
    }

    /// The positions of a field's values in a plain request, each without surrounding spaces.
    ///
    /// - Parameter name: In lower case.
    static func values(of name: StaticString, inPlain bytes: UnsafeRawBufferPointer) -> [Range<Int>] {
        var values: [Range<Int>] = []
        forEachValue(of: name, inPlain: bytes) { values.append($0) }
        return values
    }

    /// The same, one value at a time.
    static func forEachValue(of name: StaticString, inPlain bytes: UnsafeRawBufferPointer, _ body: (Range<Int>) -> Void) {
        guard var position = bytes.firstIndex(of: lf).map({ $0 + 1 }) else { return }
        while let field = Field(bytes, at: position, before: bytes.count) {
            if equals(bytes, field.name, name) {
                let end = bytes[field.value].lastIndex { $0 != UInt8(ascii: " ") }.map { $0 + 1 } ?? field.value.lowerBound
                body(field.value.lowerBound..<end)
            }
            position = field.end
        }
    }

    private static let cr = UInt8(ascii: "\r")
    private static let lf = UInt8(ascii: "\n")

    private static func starts(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, with text: StaticString) -> Bool {
        guard bytes.count - position >= text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { text in
            for index in 0..<text.count where bytes[position + index] != text[index] { return false }
            return true
        }
    }

    /// Whether `bytes` and `text` are the same as far as both go.
    private static func begins(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        text.withUTF8Buffer { text in (0..<min(bytes.count, text.count)).allSatisfy { bytes[$0] == text[$0] } }
    }

    /// Visible ASCII. A request target has no fragment.
    private static func isTargetByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
    }

    /// One field line.
    private struct Field {
        let name: Range<Int>
        let value: Range<Int>
        /// After its CRLF.
        let end: Int

        enum Kind {
            case host, close, harmless, traced, unsafe
        }

        init?(_ bytes: UnsafeRawBufferPointer, at start: Int, before limit: Int) {
            var position = start
            while position < limit, RequestScanner.isToken(bytes[position]) { position += 1 }
            guard position > start, position < limit, bytes[position] == UInt8(ascii: ":") else { return nil }
            name = start..<position
            position += 1
            while position < limit, bytes[position] == UInt8(ascii: " ") { position += 1 }
            let valueStart = position
            while position < limit, RequestScanner.isValueByte(bytes[position]) { position += 1 }
            guard position + 1 < limit, bytes[position] == RequestScanner.cr, bytes[position + 1] == RequestScanner.lf else { return nil }
            value = valueStart..<position
            end = position + 2
        }

        func kind(_ bytes: UnsafeRawBufferPointer) -> Kind {
            switch bytes[name.lowerBound] | 0x20 {
            case UInt8(ascii: "h"):
                if RequestScanner.equals(bytes, name, "host") { return HostField.isPlain(bytes[value]) ? .host : .unsafe }
                return RequestScanner.equals(bytes, name, "http2-settings") ? .unsafe : .harmless
            case UInt8(ascii: "c"):
                if RequestScanner.equals(bytes, name, "connection") {
                    if RequestScanner.equals(bytes, value, "close") { return .close }
                    return RequestScanner.equals(bytes, value, "keep-alive") ? .harmless : .unsafe
                }
                return RequestScanner.equals(bytes, name, "content-length") ? .unsafe : .harmless
            case UInt8(ascii: "t"):
                if RequestScanner.equals(bytes, name, "tracestate") { return .harmless }
                if RequestScanner.equals(bytes, name, "traceparent") { return isSampled(bytes) ? .traced : .harmless }
                // Transfer-Encoding, TE, Trailer.
                return .unsafe
            case UInt8(ascii: "e"):
                return RequestScanner.equals(bytes, name, "expect") ? .unsafe : .harmless
            case UInt8(ascii: "u"):
                return RequestScanner.equals(bytes, name, "upgrade") ? .unsafe : .harmless
            case UInt8(ascii: "p"):
                return RequestScanner.equals(bytes, name, "proxy-connection") ? .unsafe : .harmless
            default:
                return .harmless
            }
        }

        /// Whether the value of `traceparent` may say that the request is to be traced. The slow path reads it exactly.
        private func isSampled(_ bytes: UnsafeRawBufferPointer) -> Bool {
            let flags = value.lowerBound + TraceContext.length - 1
            return flags < value.upperBound && (Hex.value(of: bytes[flags]) ?? 1) & 1 == 1
        }
    }

    /// - Parameter word: Lower-case letters, digits and hyphens.
    private static func equals(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        return word.withUTF8Buffer { word in
            for index in 0..<word.count {
                let byte = bytes[range.lowerBound + index]
                let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
                if lower != word[index] { return false }
            }
            return true
        }
    }

    /// RFC 9110 §5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"),
            UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "^"),
            UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// Printable ASCII; everything else, including tabs, is for the full parser.
    private static func isValueByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F
    }
}
