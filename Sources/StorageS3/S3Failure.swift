package import MirrorStorage
package import NIOCore
package import NIOHTTP1

/// What the service says when it does not do what was asked.
package struct S3Failure: Error, Sendable, CustomStringConvertible {
    /// Of the answer; below 300 when it turned out to be an error only in its body.
    package var status: Int
    /// The service's own word: `NoSuchKey`; empty when it gave none.
    package var code: String
    package var message: String
    /// Where the bucket is, when the service says so.
    package var region: String?
    package var requestID: String?
    package var retryAfter: Duration?

    package init(status: Int, headers: HTTPHeaders, body: ByteBuffer) {
        self.init(status: status, headers: headers, document: try? S3XML(parsing: body))
    }

    init(status: Int, headers: HTTPHeaders, document: S3XML?) {
        let error = document.flatMap { $0.name == "Error" ? $0 : $0["Error"] }
        self.status = status
        code = error?["Code"]?.text ?? ""
        message = error?["Message"]?.text ?? ""
        region = headers.first(name: "x-amz-bucket-region") ?? error?["Region"]?.text ?? Self.region(in: error?["Endpoint"]?.text)
        if region?.isEmpty == true { region = nil }
        requestID = headers.first(name: "x-amz-request-id") ?? error?["RequestId"]?.text
        retryAfter = headers.first(name: "retry-after").flatMap { Int64($0) }.flatMap { (0...3_600).contains($0) ? .seconds($0) : nil }
    }

    /// Of `bucket.s3.eu-central-1.amazonaws.com` or `bucket.s3-eu-central-1.amazonaws.com`.
    private static func region(in endpoint: String?) -> String? {
        guard let labels = endpoint?.split(separator: "."), let end = labels.firstIndex(of: "amazonaws"), end > 0 else { return nil }
        let label = labels[end - 1]
        if label.hasPrefix("s3-") { return String(label.dropFirst(3)) }
        return label == "s3" ? "us-east-1" : String(label)
    }

    package var description: String { code.isEmpty ? "status \(status)" : "\(code) (\(status))" }

    /// The same in the words of object stores, and where a person has to do something, in words that say what.
    ///
    /// - Parameter call: `head`; becomes the operation `s3.head`.
    /// - Parameter subject: What was asked for: `object ab/c of the bucket d`.
    package func storageError(call: String, bucket: String, subject: String) -> StorageError {
        let (storageCode, words) = meaning(bucket: bucket, subject: subject)
        let request = requestID.map { ", request \($0.prefix(80))" } ?? ""
        return StorageError(
            storageCode, "\(words) (\(self)\(request))", operation: "\(S3Provider.service).\(call)", retryAfter: retryAfter, cause: self)
    }

    private func meaning(bucket: String, subject: String) -> (StorageError.Code, String) {
        switch code {
        case "NoSuchBucket":
            return (.notFound, "there is no bucket \(bucket): create it, or correct its name or endpoint")
        case "NoSuchUpload": return (.notFound, "the upload of \(subject) is gone")
        case "AccessDenied", "AllAccessDisabled", "AccountProblem":
            return (
                .permissionDenied, "the credentials do not permit this for \(subject): add the permission to their policy or the bucket's"
            )
        case "InvalidAccessKeyId":
            return (.permissionDenied, "the service does not know the access key: correct the credentials, or the endpoint")
        case "SignatureDoesNotMatch":
            return (.permissionDenied, "the service computes another signature: correct the secret access key")
        case "ExpiredToken", "TokenRefreshRequired", "InvalidToken":
            return (.permissionDenied, "the credentials have ended: renew them where they come from")
        case "RequestTimeTooSkewed":
            return (.permissionDenied, "this machine's clock is more than 15 minutes off: set it, or run a time service")
        case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
            let place = region.map { "in the region \($0)" } ?? "in another region or at another endpoint"
            return (.invalidRequest, "the bucket \(bucket) is \(place): correct the pool's region or endpoint")
        case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "ServiceUnavailable", "Busy":
            return (.throttled, "the service asks for fewer requests")
        case "RequestTimeout": return (.timedOut, "the service waited for the request in vain")
        case "InternalError", "ConditionalRequestConflict", "OperationAborted":
            return (.unavailable, "the service could not do it this time, to \(subject)")
        case "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch":
            return (.checksumMismatch, "what arrived for \(subject) is not what was sent")
        case "QuotaExceeded", "QuotaExceededException", "XMinioStorageFull", "InsufficientStorage":
            return (.full, "the bucket \(bucket) takes no more bytes")
        default: return meaningOfStatus(bucket: bucket, subject: subject)
        }
    }

    private func meaningOfStatus(bucket: String, subject: String) -> (StorageError.Code, String) {
        let says = message.isEmpty ? "" : ": \(message.prefix(200))"
        switch status {
        case 404: return (.notFound, "there is no \(subject)")
        case 401, 403: return (.permissionDenied, "the service does not permit this for \(subject)\(says)")
        case 408: return (.timedOut, "the service waited for the request in vain")
        case 409: return (.unavailable, "somebody else changes \(subject) at the moment\(says)")
        case 412: return (.preconditionFailed, "\(subject) is not as it was expected to be")
        case 416: return (.invalidRequest, "the range begins beyond the end of \(subject)")
        case 429, 503: return (.throttled, "the service asks for fewer requests")
        case 405, 501: return (.unsupported, "the service cannot do this with \(subject)\(says)")
        case 507: return (.full, "the bucket \(bucket) takes no more bytes")
        case 200...299: return (.unavailable, "the service began to answer and then failed, for \(subject)\(says)")
        case 500...599: return (.unavailable, "the service failed\(says)")
        default: return (.invalidRequest, "the service refuses this for \(subject)\(says)")
        }
    }
}
