import MirrorStorage
import StorageCloud

/// The meaning of the service's error codes.
///
/// - SeeAlso: Azure Storage REST API, "Common REST API error codes", "Blob service error codes".
enum AzureErrorTable {
    typealias Meaning = FailureMeaning<AzureFailure>

    /// - Returns: `nil` for a code without a row: then the status decides.
    static func meaning(of code: String) -> Meaning? { byCode[code] }

    private static let byCode = Meaning.byCode(rows)

    static let rows: [(codes: [String], meaning: Meaning)] = [
        // What is not there.
        Meaning.row(["ContainerNotFound"], .notFound, .no) { _, container, _ in
            "there is no container \(container): create it, or correct its name or endpoint"
        },
        Meaning.row(["BlobNotFound", "ResourceNotFound"], .notFound, .no) { _, _, subject in "there is no \(subject)" },
        Meaning.row(["InvalidBlockList", "InvalidBlobOrBlock"], .unavailable, .newOperation) { _, _, subject in
            "the service no longer has all blocks of \(subject)"
        },
        Meaning.row(["BlobArchived", "BlobBeingRehydrated"], .invalidRequest, .no) { _, _, subject in
            "the \(subject) is archived: it has to be rehydrated first"
        },
        // What is there.
        Meaning.row(["BlobAlreadyExists", "ResourceAlreadyExists"], .preconditionFailed, .no) { _, _, subject in
            "the \(subject) exists already"
        },
        (["ConditionNotMet", "TargetConditionNotMet"], .changed),
        Meaning.row(["SourceConditionNotMet"], .preconditionFailed, .no) { _, _, _ in "the source of the copy has changed" },
        Meaning.row(
            [
                "LeaseIdMissing", "LeaseAlreadyPresent", "LeaseIdMismatchWithBlobOperation", "LeaseIdMismatchWithContainerOperation",
                "LeaseLost", "LeaseNotPresentWithBlobOperation",
            ], .permissionDenied, .no
        ) { _, _, subject in "somebody holds a lease on \(subject): break it" },
        Meaning.row(
            ["BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold", "ContainerImmutableStorageWithVersioning"], .permissionDenied, .no
        ) { _, _, subject in
            "a policy of the container keeps \(subject) from being changed or deleted: give the pool a container without one"
        },
        // Who asks.
        Meaning.row(
            [
                "AuthorizationFailure", "AuthorizationPermissionMismatch", "AuthorizationResourceTypeMismatch",
                "AuthorizationServiceMismatch", "InsufficientAccountPermissions", "UnauthorizedBlobOverwrite",
            ], .permissionDenied, .no
        ) { _, _, subject in
            "the credentials do not permit this for \(subject): assign a role such as Storage Blob Data Contributor, or correct the "
                + "account's firewall"
        },
        Meaning.row(["AuthorizationSourceIPMismatch", "AuthorizationProtocolMismatch"], .permissionDenied, .no) { _, _, _ in
            "the SAS token is for another address or protocol: use another one"
        },
        Meaning.row(["AuthenticationFailed"], .permissionDenied, .no) { _, _, _ in
            "the service does not accept the signature or the token: correct the account key, the account's name or the SAS token, "
                + "or renew them"
        },
        Meaning.row(["InvalidAuthenticationInfo"], .permissionDenied, .no) { _, _, _ in
            "the token has expired, or is of another tenant: renew it at its source"
        },
        Meaning.row(["NoAuthenticationInformation"], .permissionDenied, .no) { _, _, subject in
            "the service wants credentials for \(subject): configure some"
        },
        Meaning.row(["KeyBasedAuthenticationNotPermitted"], .permissionDenied, .no) { _, _, _ in
            "the account does not allow keys (allowSharedKeyAccess): use an identity of Entra ID"
        },
        Meaning.row(["PublicAccessNotPermitted"], .permissionDenied, .no) { _, _, _ in
            "the account does not allow public access: run `az storage account update --name ACCOUNT --allow-blob-public-access true`, "
                + "or choose `access: presigned`"
        },
        Meaning.row(["AccountIsDisabled", "ContainerDisabled"], .permissionDenied, .no) { _, container, _ in
            "the account or the container \(container) is disabled"
        },
        // Trouble that passes.
        (["ServerBusy", "TooManyRequests", "AccountRequestsThrottled"], .throttled),
        (["OperationTimedOut"], .timedOut),
        Meaning.row(
            [
                "InternalError", "ContainerBeingDeleted", "AccountBeingCreated", "PendingCopyOperation", "SystemInUse",
                "SnapshotOperationRateExceeded", "BlobOperationRateExceeded",
            ], .unavailable, .sameRequest
        ) { _, _, subject in "the service failed temporarily, for \(subject)" },
        Meaning.row(["Md5Mismatch", "Crc64Mismatch"], .checksumMismatch, .sameRequest) { _, _, subject in
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
}
