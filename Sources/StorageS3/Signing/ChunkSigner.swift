/// Signs the chunks of a body: each signature covers the one before, the first the request's own.
struct ChunkSigner: Sendable {
    private let scope: SigningScope
    private let dateTime: String
    private var previous: String

    /// - Parameter previous: The signature of the request, the "seed".
    init(scope: SigningScope, dateTime: String, previous: String) {
        self.scope = scope
        self.dateTime = dateTime
        self.previous = previous
    }

    /// - Parameter hash: SHA-256 of the chunk's bytes, in hexadecimal.
    mutating func sign(chunk hash: String) -> String {
        previous = scope.signature(
            of: "AWS4-HMAC-SHA256-PAYLOAD\n\(dateTime)\n\(scope.text)\n\(previous)\n\(PayloadHash.emptyHex)\n\(hash)")
        return previous
    }

    /// - Parameter hash: SHA-256 of the trailer, `name:value` and a line feed, in hexadecimal.
    mutating func sign(trailer hash: String) -> String {
        previous = scope.signature(of: "AWS4-HMAC-SHA256-TRAILER\n\(dateTime)\n\(scope.text)\n\(previous)\n\(hash)")
        return previous
    }
}
