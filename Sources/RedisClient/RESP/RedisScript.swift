import Crypto

/// A Lua script. It is sent by its digest, and whole to a server that does not know it yet.
package struct RedisScript: Sendable, Hashable {
    package let source: String
    /// The SHA-1 of the source in lower-case hexadecimal, by which `EVALSHA` names it.
    package let digest: String

    package init(_ source: String) {
        self.source = source
        digest = Insecure.SHA1.hash(data: Array(source.utf8)).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}
