/// The names of the query parameters that belong to the artifact's name.
///
/// In case of doubt, a parameter is kept: that costs at most another copy, while dropping it would merge artifacts that differ in it. Names are
/// compared as an origin may read them: decoded, with `+` for a space, ignoring case, and also split at `;`.
package struct QueryNames: Sendable, Hashable {
    private let names: Set<[UInt8]>

    /// - Parameter names: As written by people, or as in a query.
    package init(_ names: some Sequence<String>) {
        self.names = Set(names.map { Self.read($0.utf8) })
    }

    /// The query with only these parameters, in their order and with their bytes.
    ///
    /// - Returns: `nil` if nothing is left.
    func keeping(in query: String) -> String? {
        let kept = query.utf8.split(separator: UInt8(ascii: "&")).filter { parameter in
            parameter.split(separator: UInt8(ascii: ";")).contains { part in
                names.contains(Self.read(part.prefix { $0 != UInt8(ascii: "=") }))
            }
        }
        return kept.isEmpty ? nil : kept.map { String(Substring($0)) }.joined(separator: "&")
    }

    private static func read(_ name: some Collection<UInt8>) -> [UInt8] {
        let spaced = name.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return (PercentCoding.decodeBytes(spaced) ?? spaced).map { byte in
            byte.asciiLowercased
        }
    }
}
