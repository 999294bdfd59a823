import Crypto
import MirrorCore
import Synchronization

/// The scope of a version 4 signature, one day in one region, and the key that is derived for it.
package struct SigningScope: Sendable {
    /// Whose keywords the scope uses; everything else is the same.
    package enum Dialect: Sendable {
        case amazon, google

        fileprivate var keyPrefix: String {
            switch self {
            case .amazon: "AWS4"
            case .google: "GOOG4"
            }
        }

        fileprivate var ending: String {
            switch self {
            case .amazon: "aws4_request"
            case .google: "goog4_request"
            }
        }
    }

    /// `20130524/us-east-1/s3/aws4_request`
    package let text: String
    private let key: SymmetricKey

    /// - SeeAlso: IAM User Guide, "Create a signed AWS API request"; Cloud Storage, "Signatures".
    package init(_ dialect: Dialect, secret: String, day: String, region: String, service: String) {
        text = Self.text(dialect, day: day, region: region, service: service)
        var key = SymmetricKey(data: Array("\(dialect.keyPrefix)\(secret)".utf8))
        for word in [day, region, service, dialect.ending] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(word.utf8), using: key))
        }
        self.key = key
    }

    /// The scope of a signature that is made with another kind of key.
    package static func text(_ dialect: Dialect, day: String, region: String, service: String) -> String {
        "\(day)/\(region)/\(service)/\(dialect.ending)"
    }

    /// - Returns: Lower-case hexadecimal.
    package func signature(of stringToSign: String) -> String {
        Hex.encode(HMAC<SHA256>.authenticationCode(for: Array(stringToSign.utf8), using: key))
    }
}

/// Caches the scope of the last day, so that the key is derived once a day, not for each request.
package final class SigningScopeCache: Sendable {
    private let last = Mutex<(day: String, scope: SigningScope)?>(nil)

    package init() {}

    package func scope(day: String, derive: () -> SigningScope) -> SigningScope {
        last.withLock { last in
            if let last, last.day == day { return last.scope }
            let scope = derive()
            last = (day, scope)
            return scope
        }
    }
}
