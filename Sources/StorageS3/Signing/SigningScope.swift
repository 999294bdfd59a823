import Crypto
import MirrorCore
import Synchronization

/// What a signature is valid for, one day in one region, and the key that follows from it.
struct SigningScope: Sendable {
    /// `20130524/us-east-1/s3/aws4_request`
    let text: String
    private let key: SymmetricKey

    /// - SeeAlso: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", task 3.
    init(secret: String, day: String, region: String, service: String) {
        text = "\(day)/\(region)/\(service)/aws4_request"
        var key = SymmetricKey(data: Array("AWS4\(secret)".utf8))
        for word in [day, region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(word.utf8), using: key))
        }
        self.key = key
    }

    /// - Returns: Lower-case hexadecimal.
    func signature(of stringToSign: String) -> String {
        Hex.encode(HMAC<SHA256>.authenticationCode(for: Array(stringToSign.utf8), using: key))
    }
}

/// The scope of the day that was asked for last: the key is derived once a day, not with each request.
final class SigningScopeCache: Sendable {
    private let last = Mutex<(day: String, scope: SigningScope)?>(nil)

    func scope(day: String, derive: () -> SigningScope) -> SigningScope {
        last.withLock { last in
            if let last, last.day == day { return last.scope }
            let scope = derive()
            last = (day, scope)
            return scope
        }
    }
}
