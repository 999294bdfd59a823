package import MirrorCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONValue {
    /// Parses a document.
    ///
    /// - Returns: `nil` if it is not JSON, or has too many values or levels.
    package init?(parsing bytes: some Sequence<UInt8>) {
        guard let value = try? ForeignJSON.decode(JSONValue.self, from: Array(bytes)) else { return nil }
        self = value
    }

    /// The encoded document, with sorted keys.
    package var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { Array($0) } ?? []
    }
}
