import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Testing

@testable import StorageGCS

@Suite("What the service's codes mean")
struct ErrorTableTests {
    enum Again: Sendable {
        case no, newOperation, sameRequest
    }

    static let rows: [(codes: [String], meaning: StorageError.Code, again: Again)] = [
        (["NoSuchBucket", "NoSuchKey", "NoSuchVersion", "notFound"], .notFound, .no),
        (["NoSuchUpload", "InvalidPart"], .unavailable, .newOperation),
        (
            [
                "AccessDenied", "forbidden", "insufficientPermissions", "AccountProblem", "accountDisabled", "UserProjectAccountProblem",
                "billingDisabled", "userProjectAccountProblem", "UserProjectMissing", "UserProjectAccessDenied", "UserProjectInconsistent",
                "requiredUserProject", "userProjectMissing", "AuthenticationRequired", "ExpiredToken", "InvalidToken", "authError",
                "expired", "InvalidSecurity", "SignatureDoesNotMatch", "RequestTimeTooSkewed",
            ], .permissionDenied, .no
        ),
        (
            [
                "SlowDown", "ServiceUnavailable", "TooManyRequests", "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded",
                "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "dailyLimitExceeded",
            ], .throttled, .sameRequest
        ),
        (["RequestTimeout"], .timedOut, .sameRequest),
        (
            ["InternalError", "IncompleteBody", "OperationAborted", "backendError", "internalError", "conditionalConflict"], .unavailable,
            .sameRequest
        ),
        (["BadDigest"], .checksumMismatch, .sameRequest),
        (["PreconditionFailed", "conditionNotMet"], .preconditionFailed, .no),
        (["NotImplemented", "MethodNotAllowed", "notImplemented", "unsupportedProtocol"], .unsupported, .no),
        (
            [
                "EntityTooLarge", "EntityTooSmall", "InvalidArgument", "InvalidDigest", "InvalidPartOrder", "KeyTooLong",
                "MetadataTooLarge", "invalid", "invalidParameter", "required", "uploadTooLarge",
            ], .invalidRequest, .no
        ),
    ]

    private func xml(_ code: String, _ more: String = "") -> String {
        code.isEmpty ? "" : "<Error><Code>\(code)</Code><Message>m</Message>\(more)</Error>"
    }

    private func json(_ code: String) -> String {
        code.isEmpty ? "" : #"{"error": {"code": 400, "message": "m", "errors": [{"domain": "global", "reason": "\#(code)"}]}}"#
    }

    private func failure(_ status: Int, _ body: String, headers: HTTPHeaders = [:]) -> GCSFailure {
        GCSFailure(status: status, headers: headers, body: ByteBuffer(string: body))
    }

    private func error(_ failure: GCSFailure) -> StorageError { failure.storageError(call: "x", bucket: "b", subject: "s") }

    @Test("Each code, in the form of either interface, whatever the status", arguments: rows, [200, 400, 403, 500])
    func codes(_ row: (codes: [String], meaning: StorageError.Code, again: Again), _ status: Int) {
        for code in row.codes {
            for body in [xml(code), json(code)] {
                let error = error(failure(status, body))
                #expect(error.code == row.meaning, "\(code)")
                #expect(error.code.isTransient == (row.again != .no), "\(code)")
                #expect(error.mayRepeat == (row.again == .sameRequest), "\(code)")
            }
        }
    }

    @Test("Each row of the table is tested")
    func complete() {
        let tested = Self.rows.flatMap(\.codes)
        let codes = GCSErrorTable.rows.flatMap(\.codes)
        #expect(Set(codes) == Set(tested))
        #expect(codes.count == tested.count, "a code is in two rows")
    }

    @Test(
        "Where there is no code, or one that nobody knows, the status decides", arguments: ["", "SomethingNew"],
        [
            (200, .unavailable, true), (301, .invalidRequest, false), (400, .invalidRequest, false), (401, .permissionDenied, false),
            (403, .permissionDenied, false), (404, .notFound, false), (405, .unsupported, false), (408, .timedOut, true),
            (409, .unavailable, true), (412, .preconditionFailed, false), (416, .invalidRequest, false), (429, .throttled, true),
            (500, .unavailable, true), (501, .unsupported, false), (502, .unavailable, true), (503, .throttled, true),
            (504, .unavailable, true),
        ] as [(Int, StorageError.Code, Bool)])
    func statuses(_ code: String, _ row: (status: Int, meaning: StorageError.Code, repeats: Bool)) {
        for body in [xml(code), json(code)] {
            let error = error(failure(row.status, body))
            #expect(error.code == row.meaning)
            #expect(error.mayRepeat == row.repeats)
        }
    }

    @Test("The JSON API says its status where it gives no reason")
    func status() {
        let failure = failure(429, #"{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slower"}}"#)
        #expect(failure.code == "RESOURCE_EXHAUSTED" && failure.message == "slower")
        for body in [#"{"error": "text"}"#, #"{"error": {"errors": []}}"#, #"{"error": {"errors": [1]}}"#, "{", "{}", "[]", "<", "text"] {
            #expect(self.failure(429, body).code.isEmpty, "\(body)")
        }
    }

    @Test("The service's words are in the message with the details, cut and on one line")
    func words() {
        let long = String(repeating: "x", count: 5_000)
        let details = "<Details>d&#10;e&#27;[31m\u{202E}\(long)</Details>"
        let failure = failure(503, xml("Slow\nDown", details), headers: ["x-guploader-uploadid": "ID-1"])
        let message = error(failure).message
        #expect(message.contains("Slow Down (503): m d e [31m xxx"))
        #expect(message.contains("request ID-1"))
        #expect(message.utf8.count < 600)
        #expect(message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E })
    }

    @Test(
        "How long to wait is said in seconds, or with a time of the service's clock",
        arguments: [
            (["retry-after": "7"], 7), (["date": "Sun, 06 Nov 1994 08:49:37 GMT", "retry-after": "Sun, 06 Nov 1994 08:49:44 GMT"], 7),
            (["retry-after": "soon"], nil), ([:], nil), (["retry-after": "-1"], nil),
        ] as [(HTTPHeaders, Int64?)])
    func retryAfter(_ headers: HTTPHeaders, _ seconds: Int64?) {
        #expect(failure(503, "", headers: headers).retryAfter == seconds.map { Duration.seconds($0) })
    }

    @Test("What says something of who asks is told from what says something of the object")
    func caller() {
        for code in ["AccessDenied", "forbidden", "InvalidToken", "NoSuchBucket", "RequestTimeTooSkewed", "UserProjectMissing"] {
            #expect(failure(403, xml(code)).isAboutCaller, "\(code)")
        }
        #expect(failure(401, "").isAboutCaller && failure(401, "").refusesCredentials)
        for (status, code) in [(404, "NoSuchKey"), (404, ""), (412, "PreconditionFailed"), (503, "SlowDown"), (416, "InvalidRange")] {
            #expect(!failure(status, xml(code)).isAboutCaller, "\(code)")
        }
        #expect(!failure(403, xml("AccessDenied")).refusesCredentials)
        #expect(failure(403, json("authError")).refusesCredentials)
    }
}
