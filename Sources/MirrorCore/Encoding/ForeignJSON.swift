#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import class Foundation.JSONDecoder
    import struct Foundation.Data
#endif

/// Decodes JSON that may come from anybody. Nothing else in the package decodes any.
public enum ForeignJSON {
    /// Decodes a document.
    ///
    /// Foundation's decoder ends the process if the 513th level of a document begins with its last byte, so the levels are counted before.
    ///
    /// - Parameter type: What it is decoded as.
    /// - Parameter bytes: The document, in UTF-8. At most 64 levels are read.
    /// - Parameter maxValues: How many values there may be.
    /// - Returns: The decoded document.
    /// - Throws: `DecodingError`
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from bytes: [UInt8], maxValues: Int = 100_000
    ) throws -> Value {
        guard JSONValue.isDecodable(bytes, maxValues: maxValues) else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(codingPath: [], debugDescription: "it is not UTF-8, or has too many values or levels"))
        }
        return try JSONDecoder().decode(type, from: Data(bytes))
    }
}
