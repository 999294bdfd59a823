import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Testing

@testable import StorageAzure

@Suite("What a service's codes mean")
struct ErrorTableTests {
    enum Again: Sendable {
        case no, newOperation, sameRequest
    }

    static let rows: [(codes: [String], meaning: StorageError.Code, again: Again)] = [
        (["ContainerNotFound", "BlobNotFound", "ResourceNotFound"], .notFound, .no),
        (["InvalidBlockList", "InvalidBlobOrBlock"], .unavailable, .newOperation),
        (
            ["BlobAlreadyExists", "ResourceAlreadyExists", "ConditionNotMet", "TargetConditionNotMet", "SourceConditionNotMet"],
            .preconditionFailed, .no
        ),
        (
            [
                "LeaseIdMissing", "LeaseAlreadyPresent", "LeaseIdMismatchWithBlobOperation", "LeaseIdMismatchWithContainerOperation",
                "LeaseLost", "LeaseNotPresentWithBlobOperation", "BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold",
                "ContainerImmutableStorageWithVersioning", "AuthorizationFailure", "AuthorizationPermissionMismatch",
                "AuthorizationResourceTypeMismatch", "AuthorizationServiceMismatch", "InsufficientAccountPermissions",
                "UnauthorizedBlobOverwrite", "AuthorizationSourceIPMismatch", "AuthorizationProtocolMismatch", "AuthenticationFailed",
                "InvalidAuthenticationInfo", "NoAuthenticationInformation", "KeyBasedAuthenticationNotPermitted",
                "PublicAccessNotPermitted", "AccountIsDisabled", "ContainerDisabled",
            ], .permissionDenied, .no
        ),
        (["ServerBusy", "TooManyRequests", "AccountRequestsThrottled"], .throttled, .sameRequest),
        (["OperationTimedOut"], .timedOut, .sameRequest),
        (
            [
                "InternalError", "ContainerBeingDeleted", "AccountBeingCreated", "PendingCopyOperation", "SystemInUse",
                "SnapshotOperationRateExceeded", "BlobOperationRateExceeded",
            ], .unavailable, .sameRequest
        ),
        (["Md5Mismatch", "Crc64Mismatch"], .checksumMismatch, .sameRequest),
        (
            [
                "FeatureNotYetSupportedForHierarchicalNamespaceAccounts", "UnsupportedHttpVerb", "UnsupportedOperation", "NotImplemented",
            ], .unsupported, .no
        ),
        (
            [
                "BlobArchived", "BlobBeingRehydrated", "BlockCountExceedsLimit", "BlockListTooLong", "InvalidBlobType", "InvalidBlockId",
                "InvalidMetadata", "MetadataTooLarge", "RequestBodyTooLarge", "InvalidResourceName", "InvalidHeaderValue", "InvalidInput",
                "InvalidQueryParameterValue", "OutOfRangeInput", "OutOfRangeQueryParameterValue", "UnsupportedHeader",
            ], .invalidRequest, .no
        ),
    ]

    private func failure(_ status: Int, _ code: String, headers: HTTPHeaders = [:]) -> AzureFailure {
        let text = code.isEmpty ? "" : "\u{FEFF}<?xml version=\"1.0\"?><Error><Code>\(code)</Code></Error>"
        return AzureFailure(status: status, headers: headers, body: ByteBuffer(string: text))
    }

    private func error(_ status: Int, _ code: String) -> StorageError {
        failure(status, code).storageError(call: "x", bucket: "c", subject: "s")
    }

    @Test("Each code, whatever the status", arguments: rows, [202, 400, 403, 500])
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
        let codes = AzureErrorTable.rows.flatMap(\.codes)
        let tested = Self.rows.flatMap(\.codes)
        #expect(Set(codes) == Set(tested))
        #expect(codes.count == tested.count, "a code is in two rows")
    }

    @Test(
        "Where there is no code, or one that nobody knows, the status decides", arguments: ["", "SomethingNew"],
        [
            (301, .invalidRequest, false), (400, .invalidRequest, false), (401, .permissionDenied, false), (403, .permissionDenied, false),
            (404, .notFound, false), (405, .unsupported, false), (408, .timedOut, true), (409, .unavailable, true),
            (412, .preconditionFailed, false), (416, .invalidRequest, false), (429, .throttled, true), (500, .unavailable, true),
            (501, .unsupported, false), (503, .throttled, true), (504, .unavailable, true),
        ] as [(Int, StorageError.Code, Bool)])
    func statuses(_ code: String, _ row: (status: Int, meaning: StorageError.Code, repeats: Bool)) {
        let error = error(row.status, code)
        #expect(error.code == row.meaning)
        #expect(error.mayRepeat == row.repeats)
    }

    @Test("The field says it where there is no body, and counts more than a body")
    func field() {
        #expect(failure(404, "", headers: ["x-ms-error-code": "BlobNotFound"]).code == "BlobNotFound")
        #expect(failure(404, "Other", headers: ["x-ms-error-code": "BlobNotFound"]).code == "BlobNotFound")
        #expect(failure(404, "ContainerNotFound").code == "ContainerNotFound")
    }

    @Test("The first line of the service's words is in the message, cut and clean; what it says beside them is not")
    func words() {
        let long = String(repeating: "x", count: 5_000)
        let text =
            "<Error><Code>ServerBusy</Code><Message>a&#27;[31m\u{202E}\(long)\nRequestId:1\nTime:2</Message>"
            + "<AuthenticationErrorDetail>what was signed</AuthenticationErrorDetail></Error>"
        let headers: HTTPHeaders = ["x-ms-request-id": "r\u{1}1", "retry-after": "7"]
        let error = AzureFailure(status: 503, headers: headers, body: ByteBuffer(string: text)).storageError(
            call: "x", bucket: "c", subject: "s")
        #expect(error.message.contains("ServerBusy (503): a [31m xxx"))
        #expect(error.message.contains("request r 1"))
        #expect(!error.message.contains("RequestId:1") && !error.message.contains("signed"))
        #expect(error.message.utf8.count < 500)
        #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E })
        #expect(error.retryAfter == .seconds(7))
    }

    @Test("What the source of a copy answered is told with what the service makes of it")
    func source() {
        let failure = failure(403, "CannotVerifyCopySource", headers: ["x-ms-copy-source-error-code": "AuthenticationFailed"])
        #expect(failure.isAboutSource)
        #expect(failure.description == "CannotVerifyCopySource (403), of the source: AuthenticationFailed")
        #expect(!failure.refusesCredentials && error(403, "CannotVerifyCopySource").code == .permissionDenied)
    }

    @Test(
        "What is about whoever asks is told from what is about the blob",
        arguments: [
            (403, "AuthenticationFailed", true, true), (401, "InvalidAuthenticationInfo", true, true), (401, "", true, true),
            (403, "KeyBasedAuthenticationNotPermitted", true, true), (401, "NoAuthenticationInformation", true, false),
            (403, "AuthorizationPermissionMismatch", true, false), (404, "ContainerNotFound", true, false),
            (403, "AccountIsDisabled", true, false), (404, "BlobNotFound", false, false), (409, "BlobArchived", false, false),
            (409, "BlobImmutableDueToPolicy", false, false), (503, "ServerBusy", false, false), (412, "ConditionNotMet", false, false),
        ])
    func callers(_ status: Int, _ code: String, _ isAboutCaller: Bool, _ refusesCredentials: Bool) {
        let failure = failure(status, code)
        #expect(failure.isAboutCaller == isAboutCaller)
        #expect(failure.refusesCredentials == refusesCredentials)
    }
}
