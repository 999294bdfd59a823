/// The names of those parameters of a URL's query that belong to the artifact's name.
///
/// What is in doubt is kept, because it costs a copy more, and what is left out is not told apart: names are compared as an origin may read them, decoded,
/// with `+` for a space and without the case of letters, and also those that an origin sees that splits a query at `;`.
package struct QueryNames: Sendable, Hashable {
    private let names: Set<[UInt8]>

    /// - Parameter names: As people write them, or as they stand in a query.
    package init(_ names: some Sequence<String>) {
        self.names = Set(names.map { Self.read($0.utf8) })
    }

    /// A query without all others; these keep their order and their bytes.
    ///
    /// - Returns: `nil` when nothing is left.
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
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
        }
    }
}
