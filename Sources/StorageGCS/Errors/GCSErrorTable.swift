import MirrorStorage
import StorageCloud

/// What the service's codes mean, those of its XML API and the reasons of its JSON API: the one table of them.
///
/// - SeeAlso: Cloud Storage, "HTTP status and error codes for XML" and "… for JSON".
enum GCSErrorTable {
    typealias Meaning = FailureMeaning<GCSFailure>

    /// - Returns: `nil` for a code that is in no row: the status decides.
    static func meaning(of code: String) -> Meaning? { byCode[code] }

    /// Every code of the table.
    static var codes: [String] { rows.flatMap(\.codes) }

    private static let byCode: [String: Meaning] = {
        var table: [String: Meaning] = [:]
        for (codes, meaning) in rows { for code in codes { table[code] = meaning } }
        return table
    }()

    private static let rows: [(codes: [String], meaning: Meaning)] = [
        // What is not there.
        (
            ["NoSuchBucket"],
            Meaning(.notFound, .no) { _, bucket, _ in "there is no bucket \(bucket): create it, or correct its name or endpoint" }
        ),
        (["NoSuchKey", "NoSuchVersion", "notFound"], Meaning(.notFound, .no) { _, _, subject in "there is no \(subject)" }),
        (
            ["NoSuchUpload"],
            Meaning(.unavailable, .newOperation) { _, _, subject in "the service no longer has the upload of \(subject)" }
        ),
        (
            ["InvalidPart"],
            Meaning(.unavailable, .newOperation) { _, _, subject in "the service no longer has all parts of \(subject)" }
        ),
        // Who asks.
        (["AccessDenied", "forbidden", "insufficientPermissions"], denied),
        (
            ["AccountProblem", "accountDisabled", "UserProjectAccountProblem", "billingDisabled", "userProjectAccountProblem"],
            Meaning(.permissionDenied, .no) { _, bucket, _ in "the project of the bucket \(bucket) is disabled, or has no billing account" }
        ),
        (
            ["UserProjectMissing", "UserProjectAccessDenied", "UserProjectInconsistent", "requiredUserProject", "userProjectMissing"],
            Meaning(.permissionDenied, .no) { _, bucket, _ in
                "the bucket \(bucket) charges who asks: give the credentials a quota project that they may use"
            }
        ),
        (
            ["AuthenticationRequired", "ExpiredToken", "InvalidToken", "authError", "expired"],
            Meaning(.permissionDenied, .no) { _, _, _ in "the service does not accept the token: renew the credentials at their source" }
        ),
        (
            ["InvalidSecurity", "SignatureDoesNotMatch"],
            Meaning(.permissionDenied, .no) { _, _, _ in
                "the service computes a different signature: correct the access ID and the secret"
            }
        ),
        (
            ["RequestTimeTooSkewed"],
            Meaning(.permissionDenied, .no) { _, _, _ in
                "this machine's clock is more than 15 minutes off: set it, or run a time service"
            }
        ),
        // Trouble that passes.
        (
            [
                "SlowDown", "ServiceUnavailable", "TooManyRequests", "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
                "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "dailyLimitExceeded",
            ], .throttled
        ),
        (["RequestTimeout"], .timedOut),
        (
            ["InternalError", "IncompleteBody", "OperationAborted", "backendError", "internalError", "conditionalConflict"],
            Meaning(.unavailable, .sameRequest) { _, _, subject in "the service failed this time, for \(subject)" }
        ),
        (
            ["BadDigest"],
            Meaning(.checksumMismatch, .sameRequest) { _, _, subject in "what arrived for \(subject) is not what was sent" }
        ),
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
