import MirrorStorage
import StorageCloud

/// What the service's codes mean, those of its XML API and the reasons of its JSON API: the one table of them.
///
/// - SeeAlso: Cloud Storage, "HTTP status and error codes for XML" and "… for JSON".
enum GCSErrorTable {
    typealias Meaning = FailureMeaning<GCSFailure>

    /// - Returns: `nil` for a code without a row: then the status decides.
    static func meaning(of code: String) -> Meaning? { byCode[code] }

    private static let byCode = Meaning.byCode(rows)

    static let rows: [(codes: [String], meaning: Meaning)] = [
        // What is not there.
        Meaning.row(["NoSuchBucket"], .notFound, .no) { _, bucket, _ in
            "there is no bucket \(bucket): create it, or correct its name or endpoint"
        },
        Meaning.row(["NoSuchKey", "NoSuchVersion", "notFound"], .notFound, .no) { _, _, subject in "there is no \(subject)" },
        Meaning.row(["NoSuchUpload"], .unavailable, .newOperation) { _, _, subject in "the service no longer has the upload of \(subject)"
        },
        Meaning.row(["InvalidPart"], .unavailable, .newOperation) { _, _, subject in "the service no longer has all parts of \(subject)" },
        // Who asks.
        (["AccessDenied", "forbidden", "insufficientPermissions"], denied),
        Meaning.row(
            ["AccountProblem", "accountDisabled", "UserProjectAccountProblem", "billingDisabled", "userProjectAccountProblem"],
            .permissionDenied, .no
        ) { _, bucket, _ in "the project of the bucket \(bucket) is disabled, or has no billing account" },
        Meaning.row(
            ["UserProjectMissing", "UserProjectAccessDenied", "UserProjectInconsistent", "requiredUserProject", "userProjectMissing"],
            .permissionDenied, .no
        ) { _, bucket, _ in "the bucket \(bucket) charges the requester: give the credentials a quota project that they may use" },
        Meaning.row(["AuthenticationRequired", "ExpiredToken", "InvalidToken", "authError", "expired"], .permissionDenied, .no) { _, _, _ in
            "the service does not accept the token: renew the credentials at their source"
        },
        Meaning.row(["InvalidSecurity", "SignatureDoesNotMatch"], .permissionDenied, .no) { _, _, _ in
            "the service computes a different signature: correct the access ID and the secret"
        },
        Meaning.row(["RequestTimeTooSkewed"], .permissionDenied, .no) { _, _, _ in
            "this machine's clock is more than 15 minutes off: set it, or run a time service"
        },
        // Trouble that passes.
        (
            [
                "SlowDown", "ServiceUnavailable", "TooManyRequests", "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
                "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "dailyLimitExceeded",
            ], .throttled
        ),
        (["RequestTimeout"], .timedOut),
        Meaning.row(
            ["InternalError", "IncompleteBody", "OperationAborted", "backendError", "internalError", "conditionalConflict"],
            .unavailable, .sameRequest
        ) { _, _, subject in "the service failed temporarily, for \(subject)" },
        Meaning.row(["BadDigest"], .checksumMismatch, .sameRequest) { _, _, subject in "what arrived for \(subject) is not what was sent" },
        // What cannot be.
        (["PreconditionFailed", "conditionNotMet"], .changed),
        (["NotImplemented", "MethodNotAllowed", "notImplemented", "unsupportedProtocol"], .unsupported),
        (
            [
                "EntityTooLarge", "EntityTooSmall", "InvalidArgument", "InvalidDigest", "InvalidPartOrder", "KeyTooLong",
                "MetadataTooLarge", "invalid", "invalidParameter", "required", "uploadTooLarge",
            ], .refused
        ),
    ]

    private static let denied = Meaning(.permissionDenied, .no) { _, _, subject in
        "the credentials do not permit this for \(subject): grant their account a role on the bucket"
    }
}
