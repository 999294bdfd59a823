import StorageCloud

/// Signs the chunks of a body: each signature covers the previous one, the first covers the request's.
struct ChunkSigner: Sendable {
    let scope: SigningScope
    let dateTime: String
    /// The last signature; before the first chunk, the request's own (the "seed").
    var previous: String

    /// - Parameter hash: SHA-256 of the chunk's bytes, in hexadecimal.
    mutating func sign(chunk hash: String) -> String {
        previous = scope.signature(
            of: "AWS4-HMAC-SHA256-PAYLOAD\n\(dateTime)\n\(scope.text)\n\(previous)\n\(PayloadHash.emptyHex)\n\(hash)")
        return previous
    }
}
