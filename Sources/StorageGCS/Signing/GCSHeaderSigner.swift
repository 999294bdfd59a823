import MirrorCore
import StorageCloud

/// Google's signature version 4 with an HMAC key, in header fields. Keep one for each key: it remembers the signing key of the day.
///
/// - SeeAlso: Cloud Storage, "HMAC keys", "Signatures", "Canonical requests".
struct GCSHeaderSigner: Sendable {
    /// Replaces the body's hash if the signature does not cover the body: if TLS protects it, or if it is a stream.
    static let unsignedPayload = "UNSIGNED-PAYLOAD"

    let keys: GCSKeys
    private let scopes = SigningScopeCache()

    init(keys: GCSKeys) {
        self.keys = keys
    }

    /// Adds `x-goog-date`, `x-goog-content-sha256` and `authorization`.
    ///
    /// - Parameter payloadHash: SHA-256 of the body in lower-case hexadecimal, or ``unsignedPayload``.
    /// - Parameter time: By the service's clock.
    func sign(_ request: SignableRequest, payloadHash: String, at time: Timestamp) -> SignableRequest {
        let time = SigningTime(time)
        let scope = scopes.scope(day: time.day) {
            SigningScope(.google, secret: keys.secret, day: time.day, region: GCSSignedAddress.region, service: GCSSignedAddress.service)
        }
        let algorithm = URLSigner.keys(keys).algorithm
        var request = request
        request.setHeader("x-goog-date", time.dateTime)
        request.setHeader("x-goog-content-sha256", payloadHash)
        let canonical = CanonicalRequest(request, query: CanonicalQuery(request.query).signed, payloadHash: payloadHash)
        let signature = scope.signature(of: "\(algorithm)\n\(time.dateTime)\n\(scope.text)\n\(canonical.hash)")
        request.setHeader(
            "authorization",
            "\(algorithm) Credential=\(keys.accessID)/\(scope.text), SignedHeaders=\(canonical.signedHeaders), Signature=\(signature)")
        return request
    }
}
