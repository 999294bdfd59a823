import Crypto
import MirrorCore

/// The tokens that admin calls may carry, compared in constant time.
struct AdminTokens: Sendable {
    /// Digests, so that the time does not reveal lengths either.
    private let digests: [SHA256.Digest]

    init(_ tokens: [String]) {
        digests = tokens.map { SHA256.hash(of: $0) }
    }

    /// Keys for signing, one made of each token.
    var keys: [SymmetricKey] { digests.map { SymmetricKey(data: $0) } }

    var isEmpty: Bool { digests.isEmpty }

    func contain(_ token: some StringProtocol) -> Bool { key(of: token) != nil }

    /// The key that is made of a token; `nil` if it is none of these tokens.
    func key(of token: some StringProtocol) -> SymmetricKey? {
        let given = SHA256.hash(of: String(token))
        // Every token is compared, so that the time does not reveal which one was nearly right.
        return digests.reduce(false) { $1 == given || $0 } ? SymmetricKey(data: given) : nil
    }
}
