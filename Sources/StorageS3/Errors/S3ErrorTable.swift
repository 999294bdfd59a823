import MirrorStorage

/// What a service's answer means: the one table of its codes, and of the statuses of answers that have none.
///
/// - SeeAlso: Amazon S3 API Reference, "Error responses"; servers of others add codes of their own.
struct S3ErrorMeaning: Sendable {
    /// What another try may bring.
    enum Again: Sendable {
        /// The same answer.
        case no
        /// Success, if the whole operation begins anew: what this request was a part of is gone.
        case newOperation
        /// Success, with the same request.
        case sameRequest
    }

    typealias Words = @Sendable (_ failure: S3Failure, _ bucket: String, _ subject: String) -> String

    let code: StorageError.Code
    let again: Again
    /// For people; where somebody has to do something, what.
    let words: Words

    init(_ code: StorageError.Code, _ again: Again, _ words: @escaping Words) {
        self.code = code
        self.again = again
        self.words = words
    }

    // MARK: By code

    /// - Returns: `nil` for a code that is in no row: the status decides.
    static func of(code: String) -> S3ErrorMeaning? {
        if let meaning = byCode[code] { return meaning }
        return code.hasPrefix("KMS.") ? denied : nil
    }

    /// Every code of the table.
    static var codes: [String] { rows.flatMap(\.codes) }

    private static let byCode: [String: S3ErrorMeaning] = {
        var table: [String: S3ErrorMeaning] = [:]
        for (codes, meaning) in rows { for code in codes { table[code] = meaning } }
        return table
    }()

    private static let rows: [(codes: [String], meaning: S3ErrorMeaning)] = [
        // What is not there.
        (
            ["NoSuchBucket"],
            S3ErrorMeaning(.notFound, .no) { _, bucket, _ in
                "there is no bucket \(bucket): create it, or correct its name or endpoint"
            }
        ),
        (["NoSuchKey", "NoSuchVersion", "NotFound"], S3ErrorMeaning(.notFound, .no) { _, _, subject in "there is no \(subject)" }),
        (
            ["NoSuchUpload"],
            S3ErrorMeaning(.unavailable, .newOperation) { _, _, subject in "the service no longer has the upload of \(subject)" }
        ),
        (
            ["InvalidPart"],
            S3ErrorMeaning(.unavailable, .newOperation) { _, _, subject in "the service no longer has all parts of \(subject)" }
        ),
        (
            ["InvalidObjectState"],
            S3ErrorMeaning(.invalidRequest, .no) { _, _, subject in "the \(subject) is archived: it has to be restored first" }
        ),
        // Who asks.
        (["AccessDenied", "AllAccessDisabled", "AccountProblem"], denied),
        (
            ["InvalidAccessKeyId"],
            S3ErrorMeaning(.permissionDenied, .no) { _, _, _ in
                "the service does not know the access key: correct the credentials, or the endpoint"
            }
        ),
        (
            ["SignatureDoesNotMatch"],
            S3ErrorMeaning(.permissionDenied, .no) { _, _, _ in "the service computes another signature: correct the secret access key" }
        ),
        (
            ["ExpiredToken", "TokenRefreshRequired", "InvalidToken"],
            S3ErrorMeaning(.permissionDenied, .no) { _, _, _ in "the credentials have ended: renew them where they come from" }
        ),
        (
            ["RequestTimeTooSkewed"],
            S3ErrorMeaning(.permissionDenied, .no) { _, _, _ in
                "this machine's clock is more than 15 minutes off: set it, or run a time service"
            }
        ),
        // Where.
        (
            S3Failure.regionCodes.sorted() + ["IllegalLocationConstraintException"],
            S3ErrorMeaning(.invalidRequest, .no) { failure, bucket, _ in
                let place = failure.region.map { "in the region \($0)" } ?? "in another region or at another endpoint"
                return "the bucket \(bucket) is \(place): correct the pool's region or endpoint"
            }
        ),
        // Trouble that passes.
        (
            [
                "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequests",
                "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "BandwidthLimitExceeded", "ServiceUnavailable",
                "Busy", "ServerBusy", "PriorRequestNotComplete", "KMS.ThrottlingException",
            ], throttled
        ),
        (["RequestTimeout", "RequestTimeoutException", "RequestTimedOut", "OperationTimedOut"], timedOut),
        (
            [
                "InternalError", "InternalFailure", "InternalServerError", "ServiceFailure", "BadGateway", "ConditionalRequestConflict",
                "OperationAborted", "TransactionInProgress", "IncompleteBody", "ClientDisconnected", "KMS.InternalFailureException",
            ],
            S3ErrorMeaning(.unavailable, .sameRequest) { _, _, subject in "the service could not do it this time, to \(subject)" }
        ),
        (
            ["BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ContentSHA256Mismatch"],
            S3ErrorMeaning(.checksumMismatch, .sameRequest) { _, _, subject in "what arrived for \(subject) is not what was sent" }
        ),
        // What cannot be.
        (
            ["QuotaExceeded", "QuotaExceededException", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"], full
        ),
        (["PreconditionFailed"], changed),
        (["NotImplemented", "NotSupported", "XNotImplemented", "UnsupportedOperation", "MethodNotAllowed"], unsupported),
        (
            ["EntityTooLarge", "EntityTooSmall", "InvalidPartOrder", "InvalidDigest", "KeyTooLongError", "MetadataTooLarge"], refused
        ),
    ]

    // MARK: By status

    static func of(status: Int) -> S3ErrorMeaning {
        switch status {
        case 404: S3ErrorMeaning(.notFound, .no) { _, _, subject in "there is no \(subject)" }
        case 401, 403: S3ErrorMeaning(.permissionDenied, .no) { _, _, subject in "the service does not permit this for \(subject)" }
        case 408: timedOut
        case 409: S3ErrorMeaning(.unavailable, .sameRequest) { _, _, subject in "somebody else changes \(subject) at the moment" }
        case 412: changed
        case 416: S3ErrorMeaning(.invalidRequest, .no) { _, _, subject in "the range begins beyond the end of \(subject)" }
        case 429, 503: throttled
        case 405, 501: unsupported
        case 507: full
        case 200...299:
            S3ErrorMeaning(.unavailable, .sameRequest) { _, _, subject in "the service began to answer and then failed, for \(subject)" }
        case 425, 500...599: S3ErrorMeaning(.unavailable, .sameRequest) { _, _, _ in "the service failed" }
        default: refused
        }
    }

    private static let denied = S3ErrorMeaning(.permissionDenied, .no) { _, _, subject in
        "the credentials do not permit this for \(subject): add the permission to their policy or the bucket's"
    }
    private static let throttled = S3ErrorMeaning(.throttled, .sameRequest) { _, _, _ in "the service asks for fewer requests" }
    private static let timedOut = S3ErrorMeaning(.timedOut, .sameRequest) { _, _, _ in "the service waited too long for the request" }
    private static let changed = S3ErrorMeaning(.preconditionFailed, .no) { _, _, subject in "\(subject) is not as it was expected to be" }
    private static let full = S3ErrorMeaning(.full, .no) { _, bucket, _ in "the bucket \(bucket) takes no more bytes" }
    private static let unsupported = S3ErrorMeaning(.unsupported, .no) { _, _, subject in "the service cannot do this with \(subject)" }
    private static let refused = S3ErrorMeaning(.invalidRequest, .no) { _, _, subject in "the service refuses this for \(subject)" }
}
