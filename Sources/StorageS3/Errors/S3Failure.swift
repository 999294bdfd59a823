import MirrorStorage
import NIOCore
package import NIOHTTP1
package import StorageCloud

/// An error answer of the service.
package struct S3Failure: ServiceFailure {
    package static var service: String { S3Service.name }
    package static let missingBucket = "NoSuchBucket"

    package var status: Int
    /// `NoSuchKey`
    package var code: String
    package var message: String
    /// The bucket's region, if the service states it. Dropped unless it looks like a region, because it is used in signatures and host names.
    package var region: String?
    package var requestID: String?
    package var retryAfter: Duration?

    package init(status: Int, headers: HTTPHeaders, document: XMLTree?) {
        let error = document.flatMap { $0.name == "Error" ? $0 : $0["Error"] }
        self.status = status
        code = Self.cleaned(error?["Code"]?.text ?? "", limit: 64)
        message = Self.cleaned(error?["Message"]?.text ?? "", limit: 200)
        region = [headers.first(name: "x-amz-bucket-region"), error?["Region"]?.text, Self.region(in: error?["Endpoint"]?.text)]
            .compactMap(\.self).first { S3Region.isName($0) }
        requestID = Self.requestID(headers.first(name: "x-amz-request-id") ?? error?["RequestId"]?.text)
        retryAfter = Self.retryAfter(headers)
    }

    /// The same failure with the reason from the answer to another request, because an answer to HEAD has no body.
    func explained(by other: S3Failure) -> S3Failure {
        var failure = self
        if failure.code.isEmpty {
            failure.code = other.code
            failure.message = other.message
        }
        failure.region = region ?? other.region
        failure.requestID = requestID ?? other.requestID
        return failure
    }

    /// The region in `bucket.s3.eu-central-1.amazonaws.com` or `bucket.s3-eu-central-1.amazonaws.com`.
    private static func region(in endpoint: String?) -> String? {
        guard let labels = endpoint?.split(separator: "."), let end = labels.firstIndex(of: "amazonaws"), end > 0 else { return nil }
        let label = labels[end - 1]
        if label.hasPrefix("s3-") { return String(label.dropFirst(3)) }
        return label == "s3" ? "us-east-1" : String(label)
    }

    // MARK: What it means

    /// Codes that say that the bucket is in another region than the request was signed for or sent to.
    static let regionCodes: Set<String> = [
        "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "InvalidRegion", "PermanentRedirect", "TemporaryRedirect",
    ]

    /// Codes that refuse the credentials themselves, whatever they would permit.
    private static let credentialCodes: Set<String> = [
        "ExpiredToken", "InvalidAccessKeyId", "InvalidSecurity", "InvalidToken", "NotSignedUp", "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    ]

    /// Whether the credentials are useless, even for signing URLs.
    package var refusesCredentials: Bool { Self.credentialCodes.contains(code) }

    /// Whether the refusal concerns the signer of the request and says nothing about the object: not permitted, unknown, wrong clock,
    /// another region, no such bucket.
    package var isAboutCaller: Bool {
        if refusesCredentials || Self.regionCodes.contains(code) { return true }
        switch code {
        case "RequestTimeTooSkewed", "NoSuchBucket": return true
        case "InvalidObjectState": return false
        default: return meaning.code == .permissionDenied
        }
    }

    package var meaning: FailureMeaning<S3Failure> { S3ErrorTable.meaning(of: code) ?? .of(status: status) }
}

extension CloudErrors {
    static let s3 = CloudErrors(service: S3Service.name)
}
