import HTTPTypes
import MirrorCore
import MirrorStorage

/// What a request with conditions and ranges gets of an object (RFC 9110 §13.2.2, §14.2).
enum ConditionalRequest: Equatable {
    case whole
    case part(ByteRange)
    case notModified
    case preconditionFailed
    case unsatisfiable

    static func evaluate(_ headers: HTTPFields, isGet: Bool, _ info: ObjectInfo) -> ConditionalRequest {
        // Whole seconds, as the client got them. An unreadable date is ignored, like an unreadable condition.
        let modified = Timestamp(milliseconds: info.artifactLastModified.milliseconds / 1_000 * 1_000)
        if let ifMatch = headers[.ifMatch] {
            guard matches(ifMatch, info.etag, weakly: false) else { return .preconditionFailed }
        } else if let date = headers[.ifUnmodifiedSince].flatMap(Timestamp.init(httpDate:)) {
            guard modified <= date else { return .preconditionFailed }
        }
        if let ifNoneMatch = headers[.ifNoneMatch] {
            if matches(ifNoneMatch, info.etag, weakly: true) { return .notModified }
        } else if let date = headers[.ifModifiedSince].flatMap(Timestamp.init(httpDate:)), modified <= date {
            return .notModified
        }
        guard isGet, let range = headers[.range], isRangeWanted(headers[.ifRange], info, modified) else { return .whole }
        return part(range, size: info.size)
    }

    /// - Returns: `.whole` for anything but a single byte range: a server may ignore the field (RFC 9110 §14.2).
    static func part(_ field: String, size: Int64) -> ConditionalRequest {
        guard field.lowercased().hasPrefix("bytes=") else { return .whole }
        let spec = field.dropFirst(6)
        let ends = spec.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, !spec.utf8.contains(UInt8(ascii: ",")) else { return .whole }
        if ends[0].isEmpty {
            guard let length = number(ends[1]) else { return .whole }
            guard length > 0, size > 0 else { return .unsatisfiable }
            let offset = max(0, size - length)
            return ByteRange(offset: offset, length: size - offset).map { .part($0) } ?? .unsatisfiable
        }
        guard let first = number(ends[0]) else { return .whole }
        var last = Int64.max - 1
        if !ends[1].isEmpty {
            guard let number = number(ends[1]), number >= first else { return .whole }
            last = min(number, last)
        }
        guard first < size else { return .unsatisfiable }
        return ByteRange(offset: first, length: min(last, size - 1) - first + 1).map { .part($0) } ?? .unsatisfiable
    }

    /// Only digits are accepted; a number too large for any object counts as the largest.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isASCIIDigit) else { return nil }
        return Int64(text) ?? .max
    }

    private static func isRangeWanted(_ ifRange: String?, _ info: ObjectInfo, _ modified: Timestamp) -> Bool {
        guard let ifRange else { return true }
        if ifRange.hasPrefix("\"") { return ifRange == info.etag }
        return Timestamp(httpDate: ifRange) == modified
    }

    private static func matches(_ list: String, _ etag: String, weakly: Bool) -> Bool {
        list.split(separator: ",").contains { element in
            var tag = element.drop { $0 == " " || $0 == "\t" }
            while tag.last == " " || tag.last == "\t" { tag.removeLast() }
            if tag == "*" { return true }
            if weakly, tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
            return tag == etag
        }
    }
}

extension RequestError {
    /// The answer to ``ConditionalRequest/preconditionFailed``.
    static let otherCondition = RequestError(.inputError, "the object does not match the condition", status: .preconditionFailed)

    /// The answer to ``ConditionalRequest/unsatisfiable``.
    static func unsatisfiable(_ info: ObjectInfo) -> RequestError {
        RequestError(
            .inputError, "the object has \(info.size) bytes", status: .rangeNotSatisfiable,
            headers: [.contentRange: "bytes */\(info.size)"])
    }
}
