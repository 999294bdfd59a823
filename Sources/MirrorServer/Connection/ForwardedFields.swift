import MirrorEngine
import NIOHTTP1

/// The part of the field in which proxies name clients that is read: the last elements of all fields of that name, within a limit. It is the same
/// for every reader of a request.
enum ForwardedFields {
    /// Bytes of all fields together, with their names but without blanks around their values.
    static let maxLength = 1_024

    /// The values in a parsed head.
    static func values(of headers: HTTPHeaders, _ header: ProxyHeader) -> [String] {
        last(headers["\(header.fieldName)"], header)
    }

    /// The values in a request that was found to be plain.
    static func values(ofPlain head: UnsafeRawBufferPointer, _ header: ProxyHeader) -> [String] {
        last(RequestScanner.values(of: header.fieldName, inPlain: head).map { String(decoding: head[$0], as: UTF8.self) }, header)
    }

    /// What is read of the values of all fields, in their order. They are cut off on the left, between elements.
    static func last(_ values: [String], _ header: ProxyHeader) -> [String] {
        var last: [String] = []
        var left = maxLength
        for value in values.reversed() {
            let value = trimmed(value.utf8[...])
            let room = left - header.fieldName.utf8CodeUnitCount
            guard room > 0 else { break }
            last.append(String(decoding: value.count > room ? lastElements(of: value, within: room) : value, as: UTF8.self))
            left = room - value.count
        }
        return last.reversed()
    }

    /// The parser leaves blanks after a value in place.
    static func trimmed(_ value: Substring.UTF8View) -> Substring.UTF8View {
        var value = value
        while let first = value.first, isBlank(first) { value.removeFirst() }
        while let last = value.last, isBlank(last) { value.removeLast() }
        return value
    }

    /// The last whole elements.
    private static func lastElements(of value: Substring.UTF8View, within limit: Int) -> Substring.UTF8View {
        value.suffix(limit).drop { $0 != UInt8(ascii: ",") }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

extension ProxyHeader {
    /// In lower case.
    var fieldName: StaticString {
        switch self {
        case .xForwardedFor: "x-forwarded-for"
        case .forwarded: "forwarded"
        }
    }
}
