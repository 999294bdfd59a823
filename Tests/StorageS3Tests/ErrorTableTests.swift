import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Testing

@testable import StorageS3

@Suite("What a service's codes mean")
struct ErrorTableTests {
    enum Again: Sendable {
        case no, newOperation, sameRequest
    }

    static let rows: [(codes: [String], meaning: StorageError.Code, again: Again)] = [
        (["NoSuchBucket", "NoSuchKey", "NoSuchVersion", "NotFound"], .notFound, .no),
        (["NoSuchUpload", "InvalidPart"], .unavailable, .newOperation),
        (
            [
                "AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken",
                "TokenRefreshRequired", "InvalidToken", "RequestTimeTooSkewed", "KMS.DisabledException", "KMS.NotFoundException",
            ], .permissionDenied, .no
        ),
        (
            [
                "InvalidObjectState", "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "InvalidRegion",
                "PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException", "EntityTooLarge", "EntityTooSmall",
                "InvalidPartOrder", "InvalidDigest", "KeyTooLongError", "MetadataTooLarge",
            ], .invalidRequest, .no
        ),
        (
            [
                "SlowDown", "SlowDownRead", "SlowDownWrite", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequests",
                "TooManyRequestsException", "RequestLimitExceeded", "RequestThrottled", "BandwidthLimitExceeded", "ServiceUnavailable",
                "Busy", "ServerBusy", "PriorRequestNotComplete", "KMS.ThrottlingException",
            ], .throttled, .sameRequest
        ),
        (["RequestTimeout", "RequestTimeoutException", "RequestTimedOut", "OperationTimedOut"], .timedOut, .sameRequest),
        (
            [
                "InternalError", "InternalFailure", "InternalServerError", "ServiceFailure", "BadGateway", "ConditionalRequestConflict",
                "OperationAborted", "TransactionInProgress", "IncompleteBody", "ClientDisconnected", "KMS.InternalFailureException",
            ], .unavailable, .sameRequest
        ),
        (
            ["BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "ContentSHA256Mismatch"], .checksumMismatch,
            .sameRequest
        ),
        (
            ["QuotaExceeded", "QuotaExceededException", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"],
            .full, .no
        ),
        (["PreconditionFailed"], .preconditionFailed, .no),
        (["NotImplemented", "NotSupported", "XNotImplemented", "UnsupportedOperation", "MethodNotAllowed"], .unsupported, .no),
    ]

    private func error(_ status: Int, _ code: String) -> StorageError {
        let text = code.isEmpty ? "" : "<Error><Code>\(code)</Code></Error>"
        return S3Failure(status: status, headers: [:], body: ByteBuffer(string: text)).storageError(call: "x", bucket: "b", subject: "s")
    }

    @Test("Each code, whatever the status: also in an answer that began as a success", arguments: rows, [200, 400, 403, 500])
    func codes(_ row: (codes: [String], meaning: StorageError.Code, again: Again), _ status: Int) {
        for code in row.codes {
            let error = error(status, code)
            #expect(error.code == row.meaning, "\(code)")
            #expect(error.code.isTransient == (row.again != .no), "\(code)")
            #expect(error.mayRepeat == (row.again == .sameRequest), "\(code)")
        }
    }

    @Test("Each row of the table is tested")
    func complete() {
        let tested = Self.rows.flatMap(\.codes).filter { !$0.hasPrefix("KMS.D") && !$0.hasPrefix("KMS.N") }
        let codes = S3ErrorTable.rows.flatMap(\.codes)
        #expect(Set(codes) == Set(tested))
        #expect(codes.count == tested.count, "a code is in two rows")
    }

    @Test(
        "Where there is no code, or one that nobody knows, the status decides", arguments: ["", "SomethingNew"],
        [
            (200, .unavailable, true), (301, .invalidRequest, false), (400, .invalidRequest, false), (401, .permissionDenied, false),
            (403, .permissionDenied, false), (404, .notFound, false), (405, .unsupported, false), (408, .timedOut, true),
            (409, .unavailable, true), (412, .preconditionFailed, false), (416, .invalidRequest, false), (425, .unavailable, true),
            (429, .throttled, true), (500, .unavailable, true), (501, .unsupported, false), (502, .unavailable, true),
            (503, .throttled, true), (504, .unavailable, true), (507, .full, false), (599, .unavailable, true),
        ] as [(Int, StorageError.Code, Bool)])
    func statuses(_ code: String, _ row: (status: Int, meaning: StorageError.Code, repeats: Bool)) {
        let error = error(row.status, code)
        #expect(error.code == row.meaning)
        #expect(error.mayRepeat == row.repeats)
    }

    @Test("The service's words are in the message, cut and on one line")
    func words() {
        let long = String(repeating: "x", count: 5_000)
        let text =
            "<Error><Code>Slow\nDown</Code><Message>a&#10;b&#27;[31m\u{202E}\(long)</Message><RequestId>R&#13;1</RequestId></Error>"
        let error = S3Failure(status: 503, headers: [:], body: ByteBuffer(string: text)).storageError(call: "x", bucket: "b", subject: "s")
        #expect(error.message.contains("Slow Down (503): a b [31m xxx"))
        #expect(error.message.contains("request R 1"))
        #expect(error.message.utf8.count < 500)
        #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E })
    }

    @Test(
        "Only what looks like a region is one",
        arguments: [
            ("eu-central-1", "eu-central-1"), ("garage", "garage"), ("", nil), ("a/b", nil), ("evil.example", nil), ("eu central", nil),
            ("EU", nil), ("-a", nil), ("a-", nil), (String(repeating: "a", count: 33), nil), ("ü", nil), ("a&#10;b", nil),
        ] as [(String, String?)])
    func regions(_ text: String, _ expected: String?) {
        let body = ByteBuffer(string: "<Error><Region>\(text)</Region></Error>")
        #expect(S3Failure(status: 400, headers: [:], body: body).region == expected)
        #expect(S3Failure(status: 400, headers: ["x-amz-bucket-region": text], body: ByteBuffer()).region == expected)
        let endpoint = "<Error><Endpoint>bucket.s3.\(text).amazonaws.com</Endpoint></Error>"
        let found = S3Failure(status: 301, headers: [:], body: ByteBuffer(string: endpoint)).region
        #expect(found == nil || found == expected || !text.contains("/"))
    }
}
