extension Digest {
    /// Reads a `Repr-Digest` field (RFC 9530 §3): `sha-256=:BASE64:, sha-512=:BASE64:`.
    ///
    /// - Returns: The digests that can be read; unknown algorithms, and values that are not digests, are skipped.
    package static func list(reprDigest field: String) -> [Digest] {
        field.split(separator: ",").compactMap { member in
            let parts = member.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            guard parts.count == 2, let algorithm = Algorithm(rawValue: parts[0].lowercased()) else { return nil }
            // A byte sequence (RFC 8941 §3.3.5); parameters may follow it.
            let value = parts[1].prefix { $0 != ";" }
            guard value.utf8.count >= 2, value.hasPrefix(":"), value.hasSuffix(":") else { return nil }
            return Digest(algorithm, base64: String(value.dropFirst().dropLast()))
        }
    }

    /// The value of a `Repr-Digest` field with only this digest.
    public var fieldValue: String { "\(algorithm.rawValue)=:\(base64):" }
}
