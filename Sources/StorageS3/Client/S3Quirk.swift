import StorageCloud

/// An optional part of a request that makes a copy safer or richer, but that not every server accepts. Refused parts are left out, each separately.
package enum S3Quirk: String, Sendable, CaseIterable {
    /// Metadata values of more than ``shortValue`` bytes.
    case longMetadata
    /// `If-None-Match` on the upload of a whole object.
    case putCondition
    /// `If-None-Match` on the completion of an upload in parts.
    case completionCondition
    /// `If-None-Match` on a copy by the service.
    case copyCondition
    /// The request for the SHA-256 of a copy by the service.
    case copyChecksum
    /// The CRC-32C of bytes in memory, in a header field.
    case checksum
    /// The announcement that an upload's parts will have checksums.
    case uploadChecksum
    /// The checksums of the parts in the document that completes an upload.
    case completionChecksums
    /// The CRC-32C after a stream.
    case trailer
    /// A signature of each chunk of a stream, without TLS.
    case signedChunks

    /// The size in bytes of a metadata value that every server accepts; the limit of OpenStack Swift.
    static let shortValue = 256

    /// What is left out, for messages.
    package var words: String {
        switch self {
        case .longMetadata: "metadata of more than \(Self.shortValue) bytes"
        case .putCondition: "If-None-Match on uploads"
        case .completionCondition: "If-None-Match on the completion of uploads in parts"
        case .copyCondition: "If-None-Match on copies by the service"
        case .copyChecksum: "checksums of copies by the service"
        case .checksum: "checksums of uploads"
        case .uploadChecksum: "the announcement of checksums of parts"
        case .completionChecksums: "checksums in the completion of uploads in parts"
        case .trailer: "checksums after streams"
        case .signedChunks: "signatures of the chunks of streams"
        }
    }

    /// What happens without it, for messages.
    package var substitute: String {
        switch self {
        case .longMetadata: "objects do not keep the URL that they came from if it is longer"
        case .putCondition, .completionCondition, .copyCondition:
            "the mirror checks for the object first; if two copies of one artifact are made at the same time, the later one stays"
        case .copyChecksum: "for copies by the service, only the length is compared"
        case .checksum, .uploadChecksum, .completionChecksums, .trailer: "only TLS protects the bytes in transit"
        case .signedChunks: "parts that are too large for memory are sent without a signature of their bytes"
        }
    }

    /// Whether it makes the service itself enforce ``WriteCondition``.
    var isCondition: Bool { self == .putCondition || self == .completionCondition || self == .copyCondition }

    /// Whether a refusal may be caused by this part. It is, if the same request without it succeeds.
    func mayBeMeant(by failure: S3Failure) -> Bool {
        if failure.isUnsupported || Self.commonCodes.contains(failure.code) { return true }
        if failure.code.isEmpty, failure.status == 400 { return true }
        return codes.contains(failure.code)
    }

    /// Codes for fields and documents that the server did not expect.
    private static let commonCodes: Set<String> = [
        "BadRequest", "InvalidArgument", "InvalidHeader", "InvalidRequest", "UnexpectedContent", "UnsupportedArgument", "UnsupportedHeader",
    ]

    private var codes: Set<String> {
        switch self {
        case .longMetadata: ["InvalidMetadata", "MetadataTooLarge"]
        case .putCondition, .completionCondition, .copyCondition, .copyChecksum: []
        case .checksum, .uploadChecksum: ["InvalidDigest"]
        case .completionChecksums: ["MalformedXML", "InvalidDigest"]
        // A server that mistakes the encoding for the bytes themselves finds another digest or length than stated.
        case .trailer, .signedChunks:
            [
                "BadDigest", "IncompleteBody", "InvalidDigest", "MalformedTrailerError", "MissingContentLength",
                "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch",
            ]
        }
    }
}
