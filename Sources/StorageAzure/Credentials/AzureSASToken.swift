package import MirrorCore

/// A shared access signature that was made elsewhere, sent in the query of each request. Descriptions never show it.
package struct AzureSASToken: Sendable, Equatable {
    /// As in a query, without the question mark.
    let query: String
    /// When it expires; `nil` if a policy of the container determines that.
    package let expires: Timestamp?

    /// - Returns: `nil` if it has no signature, or cannot be part of a URL.
    package init?(_ text: String) {
        let query = text.hasPrefix("?") ? String(text.dropFirst()) : text
        let isSendable = query.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "?") }
        guard !query.isEmpty, isSendable else { return nil }
        var values: [String: String] = [:]
        for item in query.split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = PercentCoding.decode(parts[1]) else { return nil }
            values[parts[0].lowercased()] = value
        }
        guard values["sig"]?.isEmpty == false, values["sv"]?.isEmpty == false else { return nil }
        self.query = query
        expires = values["se"].flatMap(Self.time)
    }

    /// `2026-01-31T12:00:00Z`, and the shorter forms that the service takes.
    private static func time(_ text: String) -> Timestamp? {
        switch text.utf8.count {
        case 10: Timestamp(rfc3339: "\(text)T00:00:00Z")
        case 17: Timestamp(rfc3339: "\(text.dropLast()):00Z")
        default: Timestamp(rfc3339: text)
        }
    }
}

extension AzureSASToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "AzureSASToken(\(expires.map { "until \($0.iso8601)" } ?? "by a policy"))" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
