import HTTPTypes
import Hummingbird
import MirrorCore
import MirrorStorage

/// What a request with conditions and ranges is to get of an object (RFC 9110 §13.2.2, §14.2).
enum ConditionalRequest: Equatable {
    case whole
    case part(ByteRange)
    case notModified
    case preconditionFailed
    case unsatisfiable

    static func evaluate(_ headers: HTTPFields, isGet: Bool, _ info: ObjectInfo) -> ConditionalRequest {
        let modified = info.lastModified.milliseconds / 1_000
        if let ifMatch = headers[.ifMatch] {
            guard matches(ifMatch, info.etag, weakly: false) else { return .preconditionFailed }
        } else if let date = headers[.ifUnmodifiedSince].flatMap(HTTPDate.seconds) {
            guard modified <= date else { return .preconditionFailed }
        }
        if let ifNoneMatch = headers[.ifNoneMatch] {
            if matches(ifNoneMatch, info.etag, weakly: true) { return .notModified }
        } else if let date = headers[.ifModifiedSince].flatMap(HTTPDate.seconds), modified <= date {
            return .notModified
        }
        guard isGet, let range = headers[.range], isRangeWanted(headers[.ifRange], info, modified) else { return .whole }
        return part(range, size: info.size)
    }

    /// - Returns: `.whole` for what is no single byte range: a server may ignore it (RFC 9110 §14.2).
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

    /// Digits alone; a number too large for any object counts as the largest.
    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(text) ?? .max
    }

    private static func isRangeWanted(_ ifRange: String?, _ info: ObjectInfo, _ modified: Int64) -> Bool {
        guard let ifRange else { return true }
        if ifRange.hasPrefix("\"") { return ifRange == info.etag }
        return HTTPDate.seconds(ifRange) == modified
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

/// The preferred form of an HTTP date (RFC 9110 §5.6.7); the obsolete forms are ignored, as an unreadable condition is.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds since 1970.
    static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int64(words[1]), let month = months.firstIndex(of: String(words[2])),
            let year = Int64(words[3]), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").map { Int64($0) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2], (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        return days(year, Int64(month) + 1, day) * 86_400 + hour * 3_600 + minute * 60 + second
    }

    /// Howard Hinnant's `days_from_civil`.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
