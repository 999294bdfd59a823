import MirrorCore

/// Reads a `Repr-Digest` field (RFC 9530 §3): `sha-256=:BASE64:, sha-512=:BASE64:`.
enum DigestField {
    /// - Returns: The SHA-256 in it; `nil` when there is none that can be read.
    static func sha256(_ field: String) -> Digest? {
        for member in field.split(separator: ",") {
            let parts = member.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            guard parts.count == 2, parts[0].lowercased() == Digest.Algorithm.sha256.rawValue else { continue }
            // A byte sequence (RFC 8941 §3.3.5); parameters may follow it.
            let value = parts[1].prefix { $0 != ";" }
            guard value.count >= 2, value.hasPrefix(":"), value.hasSuffix(":") else { return nil }
            return Digest(.sha256, base64: String(value.dropFirst().dropLast()))
        }
        return nil
    }
}
