import MirrorStorage
import StorageCloud

/// What the service's codes mean: the one table of them.
///
/// - SeeAlso: Azure Storage REST API, "Common REST API error codes", "Blob service error codes".
enum AzureErrorTable {
    typealias Meaning = FailureMeaning<AzureFailure>

    /// - Returns: `nil` for a code that is in no row: the status decides.
    static func meaning(of code: String) -> Meaning? { byCode[code] }

    private static let byCode = Meaning.byCode(rows)

    static let rows: [(codes: [String], meaning: Meaning)] = [
        // What is not there.
        row(["ContainerNotFound"], .notFound, .no) { _, container, _ in
            "there is no container \(container): create it, or correct its name or endpoint"
        },
        row(["BlobNotFound", "ResourceNotFound"], .notFound, .no) { _, _, subject in "there is no \(subject)" },
        row(["InvalidBlockList", "InvalidBlobOrBlock"], .unavailable, .newOperation) { _, _, subject in
            "the service no longer has all blocks of \(subject)"
        },
        row(["BlobArchived", "BlobBeingRehydrated"], .invalidRequest, .no) { _, _, subject in
            "the \(subject) is archived: it has to be rehydrated first"
        },
        // What is there.
        row(["BlobAlreadyExists", "ResourceAlreadyExists"], .preconditionFailed, .no) { _, _, subject in
            "the \(subject) exists already"
        },
        (["ConditionNotMet", "TargetConditionNotMet"], .changed),
        row(["SourceConditionNotMet"], .preconditionFailed, .no) { _, _, _ in "the source of the copy has changed" },
        row(
            [
                "LeaseIdMissing", "LeaseAlreadyPresent", "LeaseIdMismatchWithBlobOperation", "LeaseIdMismatchWithContainerOperation",
                "LeaseLost", "LeaseNotPresentWithBlobOperation",
            ], .permissionDenied, .no
        ) { _, _, subject in "somebody holds a lease on \(subject): break it" },
        row(
            ["BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "ContainerImmutableStorageWithVersioning"], .permissionDenied, .no
        ) { _, _, subject in
            "a policy of the container keeps \(subject) from being changed or deleted: give the pool a container without one"
        },
        // Who asks.
        row(
            [
                "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch",
                "AuthorizationServiceMismatch", "InsufficientAccountPermissions", "UnauthorizedBlobOverwrite",
            ], .permissionDenied, .no
        ) { _, _, subject in
            "the credentials do not permit this for \(subject): assign a role such as Storage Blob Data Contributor, or correct the "
                + "account's firewall"
        },
        row(["AuthorizationSourceIPMismatch", "AuthorizationProtocolMismatch"], .permissionDenied, .no) { _, _, _ in
            "the SAS token is for another address or protocol: use another one"
        },
        row(["AuthenticationFailed"], .permissionDenied, .no) { _, _, _ in
            "the service does not accept the signature or the token: correct the account key, the account's name or the SAS token, "
                + "or renew them"
        },
        row(["InvalidAuthenticationInfo"], .permissionDenied, .no) { _, _, _ in
            "the token has expired, or is of another tenant: renew it at its source"
        },
        row(["NoAuthenticationInformation"], .permissionDenied, .no) { _, _, subject in
            "the service wants credentials for \(subject): configure some"
        },
        row(["KeyBasedAuthenticationNotPermitted"], .permissionDenied, .no) { _, _, _ in
            "the account does not allow keys (allowSharedKeyAccess): use an identity of Entra ID"
        },
        row(["PublicAccessNotPermitted"], .permissionDenied, .no) { _, _, _ in
            "the account does not allow public access: run `az storage account update --name ACCOUNT --allow-blob-public-access true`, "
                + "or choose `access: presigned`"
        },
        row(["AccountIsDisabled", "ContainerDisabled"], .permissionDenied, .no) { _, container, _ in
            "the account or the container \(container) is disabled"
        },
        // Trouble that passes.
        (["ServerBusy", "TooManyRequests", "AccountRequestsThrottled"], .throttled),
        (["OperationTimedOut"], .timedOut),
        row(
            [
                "InternalError", "ContainerBeingDeleted", "AccountBeingCreated", "PendingCopyOperation", "SystemInUse",
                "SnapshotOperationRateExceeded", "BlobOperationRateExceeded",
            ], .unavailable, .sameRequest
        ) { _, _, subject in "the service failed temporarily, for \(subject)" },
        row(["Md5Mismatch", "Crc64Mismatch"], .checksumMismatch, .sameRequest) { _, _, subject in
            "what arrived for \(subject) is not what was sent"
        },
        // What cannot be.
        (
            ["FeatureNotYetSupportedForHierarchicalNamespaceAccounts", "UnsupportedHttpVerb", "UnsupportedOperation", "NotImplemented"],
            .unsupported
        ),
        (
            [
                "BlockCountExceedsLimit", "BlockListTooLong", "InvalidBlobType", "InvalidBlockId", "InvalidMetadata", "MetadataTooLarge",
                "RequestBodyTooLarge", "InvalidResourceName", "InvalidHeaderValue", "InvalidInput", "InvalidQueryParameterValue",
                "OutOfRangeInput", "OutOfRangeQueryParameterValue", "UnsupportedHeader",
            ], .refused
        ),
    ]

    private static func row(
        _ codes: [String], _ code: StorageError.Code, _ again: Meaning.Again, _ words: @escaping Meaning.Words
    ) -> (codes: [String], meaning: Meaning) {
        (codes, Meaning(code, again, words))
    }
}
