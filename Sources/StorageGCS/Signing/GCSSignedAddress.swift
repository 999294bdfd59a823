import MirrorCore
import StorageCloud

/// A request whose signature is in its query: anybody who has the URL may send it until it expires.
///
/// Besides the URL, only the host is signed, and no body.
/// - SeeAlso: Cloud Storage, "V4 signing process with your own program".
struct GCSSignedAddress: Sendable {
    /// The service takes any name.
    static let region = "auto"
    static let service = "storage"

    /// The text that is signed.
    let stringToSign: String
    private let path: String
    private let query: String
    private let day: String

    /// - Parameters:
    ///   - seconds: How long it lasts, 1...604,800.
    ///   - time: By the service's clock, when it begins.
    init(_ request: SignableRequest, signer: URLSigner, seconds: Int64, from time: Timestamp) {
        let time = SigningTime(time)
        let scope = SigningScope.text(.google, day: time.day, region: Self.region, service: Self.service)
        let headers = CanonicalRequest.headers(of: request)
        var items = request.query
        items += [
            ("X-Goog-Algorithm", signer.algorithm), ("X-Goog-Credential", "\(signer.name)/\(scope)"), ("X-Goog-Date", time.dateTime),
            ("X-Goog-Expires", "\(seconds)"), ("X-Goog-SignedHeaders", CanonicalRequest.names(of: headers)),
        ]
        query = CanonicalQuery(items).signed
        path = request.path
        day = time.day
        let canonical = CanonicalRequest(request, query: query, headers: headers, payloadHash: GCSHeaderSigner.unsignedPayload)
        stringToSign = "\(signer.algorithm)\n\(time.dateTime)\n\(scope)\n\(canonical.hash)"
    }

    /// The request target on the wire, between method and version.
    ///
    /// - Parameter signature: Lower-case hexadecimal.
    func target(signature: String) -> String { "\(path)?\(query)&X-Goog-Signature=\(signature)" }

    /// The signature of an HMAC key.
    func signature(of keys: GCSKeys) -> String {
        SigningScope(.google, secret: keys.secret, day: day, region: Self.region, service: Self.service).signature(of: stringToSign)
    }
}
