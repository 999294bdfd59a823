import MirrorCore

/// The words that credentials are made of as they were found, before anybody has looked at them.
struct CredentialFields {
    var accessKeyID: String?
    var secretAccessKey: String?
    var sessionToken: String?
    /// RFC 3339.
    var expiration: String?

    /// What each word is called where it was found.
    struct Names {
        var accessKeyID: String
        var secretAccessKey: String
        var sessionToken: String
        var expiration: String
    }

    /// - Throws: `.invalid`, naming the word that is missing or cannot be right, and never its value.
    func credentials(named names: Names) throws(S3CredentialsError) -> S3Credentials {
        guard let accessKeyID, !accessKeyID.isEmpty else { throw S3CredentialsError(.invalid, "\(names.accessKeyID) is missing") }
        guard let secretAccessKey, !secretAccessKey.isEmpty else {
            throw S3CredentialsError(.invalid, "\(names.secretAccessKey) is missing")
        }
        let token = sessionToken.flatMap { $0.isEmpty ? nil : $0 }
        // Both stand in header fields.
        for (value, name) in [(accessKeyID, names.accessKeyID), (token ?? "", names.sessionToken)]
        where !value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            throw S3CredentialsError(.invalid, "\(name) contains white space, a line break or another character that cannot be meant")
        }
        if secretAccessKey.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw S3CredentialsError(.invalid, "\(names.secretAccessKey) contains a line break or another control character")
        }
        var expires: Timestamp?
        if let expiration, !expiration.isEmpty {
            guard let moment = CredentialTime.parse(expiration) else {
                throw S3CredentialsError(.invalid, "\(names.expiration) is no time as RFC 3339 writes it (2026-01-31T12:00:00Z)")
            }
            expires = moment
        }
        return S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: token, expires: expires)
    }
}

/// Times in the answers of those who give out credentials.
enum CredentialTime {
    /// Reads `2026-01-31T12:00:00Z`, with a fraction or an offset from UTC where there is one (RFC 3339 §5.6).
    ///
    /// - Returns: `nil` for anything else; fractions are cut to milliseconds.
    static func parse(_ text: String) -> Timestamp? {
        var rest = Array(text.utf8)[...]
        guard let year = number(&rest, digits: 4), skip(&rest, "-"), let month = number(&rest, digits: 2), skip(&rest, "-"),
            let day = number(&rest, digits: 2), skip(&rest, "T") || skip(&rest, "t") || skip(&rest, " "),
            let hour = number(&rest, digits: 2), skip(&rest, ":"), let minute = number(&rest, digits: 2), skip(&rest, ":"),
            let second = number(&rest, digits: 2),
            (1...12).contains(month), (1...days(in: month, of: year)).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var milliseconds: Int64 = 0
        if skip(&rest, ".") {
            var digits = 0
            while let digit = number(&rest, digits: 1) {
                digits += 1
                if digits <= 3 { milliseconds = milliseconds * 10 + digit }
            }
            guard digits > 0 else { return nil }
            for _ in digits..<max(3, digits) { milliseconds *= 10 }
        }
        guard let offset = offset(&rest), rest.isEmpty else { return nil }
        let minutes = (CivilDate.daysSince1970(year: year, month: month, day: day) * 24 + hour) * 60 + minute - offset
        return Timestamp(milliseconds: (minutes * 60 + second) * 1_000 + milliseconds)
    }

    /// In minutes.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if skip(&rest, "Z") || skip(&rest, "z") { return 0 }
        let isNegative = skip(&rest, "-")
        guard isNegative || skip(&rest, "+"), let hours = number(&rest, digits: 2), hours < 24 else { return nil }
        _ = skip(&rest, ":")
        guard let minutes = number(&rest, digits: 2), minutes < 60 else { return nil }
        return (isNegative ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, digits: Int) -> Int64? {
        let text = rest.prefix(digits)
        guard text.count == digits, text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        rest = rest.dropFirst(digits)
        return text.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func skip(_ rest: inout ArraySlice<UInt8>, _ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
