/// A request to a service, without its body. Its descriptions show neither query nor headers, which may contain signatures and tokens.
package struct SignableRequest: Sendable {
    package var method: String
    /// As in the `Host` field: with the port unless it is the scheme's default.
    package var host: String
    /// Begins with `/`; percent-encoded exactly as on the wire (`PercentCoding.encode(path:)`).
    package var path: String
    /// Not encoded. A `nil` value means a name alone (`?uploads`), which is signed like an empty value.
    package var query: [(name: String, value: String?)]
    /// Without `Host`. A name may occur more than once.
    package var headers: [(name: String, value: String)]

    package init(
        method: String, host: String, path: String, query: [(name: String, value: String?)] = [],
        headers: [(name: String, value: String)] = []
    ) {
        self.method = method
        self.host = host
        self.path = path
        self.query = query
        self.headers = headers
    }

    /// Encoded as in the signature, so that a server that canonicalizes less than specified still computes the same signature.
    package var encodedQuery: String { CanonicalQuery(query).wire }

    /// The request target on the wire: the path and the query.
    package var target: String { query.isEmpty ? path : "\(path)?\(encodedQuery)" }

    /// The values of a field, in order, joined as HTTP allows (RFC 9110 §5.3).
    package func header(_ name: String) -> String? {
        let values = headers.lazy.filter { $0.name.isSameField(as: name) }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ",")
    }

    /// Replaces all fields with that name.
    package mutating func setHeader(_ name: String, _ value: String) {
        removeHeader(name)
        headers.append((name, value))
    }

    package mutating func removeHeader(_ name: String) {
        headers.removeAll { $0.name.isSameField(as: name) }
    }
}

extension SignableRequest: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(method) \(host)\(path)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["method": method, "host": host, "path": path]) }
}

extension String {
    /// Whether both are names of the same header field, whatever their case. Allocates nothing, because it runs many times for each request.
    fileprivate func isSameField(as other: String) -> Bool {
        utf8.count == other.utf8.count && zip(utf8, other.utf8).allSatisfy { Self.lowered($0) == Self.lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
