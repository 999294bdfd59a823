/// A `WWW-Authenticate` that asks for a token (RFC 6750 §3, Docker Registry v2 "Token Authentication").
struct Challenge: Sendable, Equatable {
    /// Bytes of one field.
    private static let maxLength = 4_096

    let realm: String
    let service: String?
    let scope: String?

    /// - Parameter fields: Each may have several challenges.
    /// - Returns: `nil` if none of them asks for a bearer token and says where to get it.
    init?(_ fields: [String]) {
        for field in fields where field.utf8.count <= Self.maxLength {
            var scanner = ChallengeScanner(field)
            while let challenge = scanner.next() {
                guard challenge.scheme == "bearer", let realm = challenge.parameters["realm"] else { continue }
                self.realm = realm
                service = challenge.parameters["service"]
                scope = challenge.parameters["scope"]
                return
            }
        }
        return nil
    }
}

/// Reads challenges one after another (RFC 9110 §11.6.1). Schemes and names are in lower case.
struct ChallengeScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ field: String) {
        bytes = Array(field.utf8)
    }

    mutating func next() -> (scheme: String, parameters: [String: String])? {
        skip { Self.isBlank($0) || $0 == UInt8(ascii: ",") }
        guard let scheme = token()?.lowercased() else { return nil }
        var parameters: [String: String] = [:]
        while true {
            let start = position
            skip { Self.isBlank($0) || $0 == UInt8(ascii: ",") }
            guard let name = token()?.lowercased() else { break }
            skip(Self.isBlank)
            guard position < bytes.count, bytes[position] == UInt8(ascii: "=") else {
                // The next scheme.
                position = start
                break
            }
            position += 1
            skip(Self.isBlank)
            guard let value = quoted() ?? token() else { break }
            if parameters[name] == nil { parameters[name] = value }
        }
        return (scheme, parameters)
    }

    private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
        while position < bytes.count, isSkipped(bytes[position]) { position += 1 }
    }

    private mutating func token() -> String? {
        let start = position
        skip { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            // The signs of a token, and those of a token68 and of values that should be quoted.
            default: "!#$%&'*+-.^_`|~/:@?".utf8.contains(byte)
            }
        }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private mutating func quoted() -> String? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return nil }
        var value: [UInt8] = []
        var ahead = position + 1
        while ahead < bytes.count, bytes[ahead] != UInt8(ascii: "\"") {
            if bytes[ahead] == UInt8(ascii: "\\"), ahead + 1 < bytes.count { ahead += 1 }
            value.append(bytes[ahead])
            ahead += 1
        }
        position = Swift.min(ahead + 1, bytes.count)
        return String(decoding: value, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
