import Crypto
import MirrorCore

/// A request in the canonical form that both sides hash, for version 4 of Amazon's and Google's signatures. The path is encoded once and never
/// normalised.
///
/// - SeeAlso: Cloud Storage, "Canonical requests"; IAM User Guide, "Create a signed AWS API request".
package struct CanonicalRequest {
    package let text: String
    /// The names of the signed fields: `host;x-amz-date`.
    package let signedHeaders: String

    /// Fields that proxies and HTTP clients add or change in transit, or that are part of the signature itself.
    private static let unsignedFields: Set<String> = [
        "accept-encoding", "authorization", "baggage", "connection", "expect", "host", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent",
        "x-amzn-trace-id",
    ]

    /// - Parameter query: ``CanonicalQuery/signed``.
    package init(_ request: SignableRequest, query: String, payloadHash: String) {
        self.init(request, query: query, headers: Self.headers(of: request), payloadHash: payloadHash)
    }

    /// - Parameter headers: What ``headers(of:)`` returned.
    package init(_ request: SignableRequest, query: String, headers: [(name: String, value: String)], payloadHash: String) {
        signedHeaders = Self.names(of: headers)
        var text = ""
        text.reserveCapacity(1_024)
        text += request.method
        text += "\n"
        text += request.path.isEmpty ? "/" : request.path
        text += "\n"
        text += query
        text += "\n"
        for (name, value) in headers {
            text += name
            text += ":"
            text += value
            text += "\n"
        }
        text += "\n"
        text += signedHeaders
        text += "\n"
        text += payloadHash
        self.text = text
    }

    package var hash: String { Hex.encode(SHA256.hash(of: text)) }

    package static func names(of headers: [(name: String, value: String)]) -> String {
        headers.map(\.name).joined(separator: ";")
    }

    /// The signed fields: lower-case names, sorted; the values of a repeated name are joined in order.
    package static func headers(of request: SignableRequest) -> [(name: String, value: String)] {
        var headers = [(name: "host", value: folded(request.host))]
        for (name, value) in request.headers {
            let name = name.lowercased()
            if unsignedFields.contains(name) { continue }
            if let index = headers.firstIndex(where: { $0.name == name }) {
                headers[index].value += "," + folded(value)
            } else {
                headers.append((name, folded(value)))
            }
        }
        headers.sort { $0.name < $1.name }
        return headers
    }

    /// Without surrounding spaces, and with single spaces inside.
    private static func folded(_ value: String) -> String {
        if isFolded(value) { return value }
        var out: [UInt8] = []
        var last = space
        for byte in value.utf8 {
            if isBlank(byte) && out.isEmpty || byte == space && last == space { continue }
            out.append(byte)
            last = byte
        }
        while let byte = out.last, isBlank(byte) { out.removeLast() }
        return String(decoding: out, as: UTF8.self)
    }

    /// Nearly every value is, and then needs no copy.
    private static func isFolded(_ value: String) -> Bool {
        var last = space
        for byte in value.utf8 {
            if byte == space && last == space { return false }
            last = byte
        }
        return value.isEmpty || !isBlank(last) && value.utf8.first.map(isBlank) != true
    }

    private static let space = UInt8(ascii: " ")

    private static func isBlank(_ byte: UInt8) -> Bool { byte == space || byte == UInt8(ascii: "\t") }
}
