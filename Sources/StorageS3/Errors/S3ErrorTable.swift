import MirrorStorage
import StorageCloud

/// The table of the service's error codes and their meanings.
///
/// - SeeAlso: Amazon S3 API Reference, "Error responses"; other servers add codes of their own.
enum S3ErrorTable {
    typealias Meaning = FailureMeaning<S3Failure>

    /// - Returns: `nil` for a code that is not in the table; then the status decides.
    static func meaning(of code: String) -> Meaning? {
        if let meaning = byCode[code] { return meaning }
        return code.hasPrefix("KMS.") ? denied : nil
    }

    private static let byCode = Meaning.byCode(rows)

    static let rows: [(codes: [String], meaning: Meaning)] = [
        // Missing things.
        Meaning.row(["NoSuchBucket"], .notFound, .no) { _, bucket, _ in
            "there is no bucket \(bucket): create it, or correct its name or endpoint"
        },
        Meaning.row(["NoSuchKey", "NoSuchVersion", "NotFound"], .notFound, .no) { _, _, subject in "there is no \(subject)" },
        Meaning.row(["NoSuchUpload"], .unavailable, .newOperation) { _, _, subject in "the service no longer has the upload of \(subject)"
        },
        Meaning.row(["InvalidPart"], .unavailable, .newOperation) { _, _, subject in "the service no longer has all parts of \(subject)" },
        Meaning.row(["InvalidObjectState"], .invalidRequest, .no) { _, _, subject in
            "the \(subject) is archived: it has to be restored first"
        },
        // Problems of the caller.
        (["AccessDenied", "AllAccessDisabled", "AccountProblem"], denied),
        Meaning.row(["InvalidAccessKeyId"], .permissionDenied, .no) { _, _, _ in
            "the service does not know the access key: correct the credentials, or the endpoint"
        },
        Meaning.row(["SignatureDoesNotMatch"], .permissionDenied, .no) { _, _, _ in
            "the service computes a different signature: correct the secret access key"
        },
        Meaning.row(["ExpiredToken", "TokenRefreshRequired", "InvalidToken"], .permissionDenied, .no) { _, _, _ in
            "the credentials have expired: renew them at their source"
        },
        Meaning.row(["RequestTimeTooSkewed"], .permissionDenied, .no) { _, _, _ in
            "this machine's clock is more than 15 minutes off: set it, or run a time service"
        },
        // The wrong place.
        Meaning.row(S3Failure.regionCodes.sorted() + ["IllegalLocationConstraintException"], .invalidRequest, .no) { failure, bucket, _ in
            let place = failure.region.map { "in the region \($0)" } ?? "in another region or at another endpoint"
            return "the bucket \(bucket) is \(place): correct the pool's region or endpoint"
        },
        // Temporary problems.
        (
            [
                "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequests",
                "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "BandwidthLimitExceeded", "ServiceUnavailable",
                "Busy", "ServerBusy", "PriorRequestNotComplete", "KMS.ThrottlingException",
            ], .throttled
        ),
        (["RequestTimeout", "RequestTimeoutException", "RequestTimedOut", "OperationTimedOut"], .timedOut),
        Meaning.row(
            [
                "InternalError", "InternalFailure", "InternalServerError", "ServiceFailure", "BadGateway", "ConditionalRequestConflict",
                "OperationAborted", "TransactionInProgress", "IncompleteBody", "ClientDisconnected", "KMS.InternalFailureException",
            ], .unavailable, .sameRequest
        ) { _, _, subject in "the service failed this time, for \(subject)" },
        Meaning.row(
            ["BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ContentSHA256Mismatch"], .checksumMismatch,
            .sameRequest
        ) { _, _, subject in "what arrived for \(subject) is not what was sent" },
        // Impossible requests.
        (
            ["QuotaExceeded", "QuotaExceededException", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"], .full
        ),
        (["PreconditionFailed"], .changed),
        (["NotImplemented", "NotSupported", "XNotImplemented", "UnsupportedOperation", "MethodNotAllowed"], .unsupported),
        (
            ["EntityTooLarge", "EntityTooSmall", "InvalidPartOrder", "InvalidDigest", "KeyTooLongError", "MetadataTooLarge"], .refused
        ),
    ]

    private static let denied = Meaning(.permissionDenied, .no) { _, _, subject in
        "the credentials do not permit this for \(subject): add the permission to their policy or the bucket's"
    }
}
