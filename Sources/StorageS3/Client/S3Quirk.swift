import StorageCloud

/// A part of a request that makes a copy safer or richer and that not every server takes. What a server refuses is left out, each part by itself.
package enum S3Quirk: String, Sendable, CaseIterable {
    /// Values of metadata of more than ``shortValue`` bytes.
    case longMetadata
    /// `If-None-Match` on the upload of a whole object.
    case putCondition
    /// `If-None-Match` on the completion of an upload in parts.
    case completionCondition
    /// `If-None-Match` on a copy by the service.
    case copyCondition
    /// The request for the SHA-256 of a copy by the service.
    case copyChecksum
    /// The CRC-32C of bytes in memory, in a field beside them.
    case checksum
    /// The announcement that the parts of an upload will have checksums.
    case uploadChecksum
    /// The checksums of the parts in the document that completes an upload.
    case completionChecksums
    /// The CRC-32C behind a stream.
    case trailer
    /// A signature of each chunk of a stream, where there is no TLS.
    case signedChunks

    /// Bytes of a value of metadata that every server takes: OpenStack Swift takes no more.
    static let shortValue = 256

    /// For people: what is left out.
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

    /// For people: what is done without it.
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

    /// Whether it makes the service keep to ``WriteCondition`` by itself.
    var isCondition: Bool { self == .putCondition || self == .completionCondition || self == .copyCondition }

    /// Whether a refusal may be of this part. It is when the same request without it succeeds.
    func mayBeMeant(by failure: S3Failure) -> Bool {
        if failure.isUnsupported || Self.commonCodes.contains(failure.code) { return true }
        if failure.code.isEmpty, failure.status == 400 { return true }
        return codes.contains(failure.code)
    }

    /// Said of fields and documents that the server did not expect.
    private static let commonCodes: Set<String> = [
        "BadRequest", "InvalidArgument", "InvalidHeader", "InvalidRequest", "UnexpectedContent", "UnsupportedArgument", "UnsupportedHeader",
    ]

    private var codes: Set<String> {
        switch self {
        case .longMetadata: ["InvalidMetadata", "MetadataTooLarge"]
        case .putCondition, .completionCondition, .copyCondition, .copyChecksum: []
        case .checksum, .uploadChecksum: ["InvalidDigest"]
        case .completionChecksums: ["MalformedXML", "InvalidDigest"]
        // A server that takes the encoding for the bytes themselves finds another digest or length than was stated.
        case .trailer, .signedChunks:
            [
                "BadDigest", "IncompleteBody", "InvalidDigest", "MalformedTrailerError", "MissingContentLength",
                "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch",
            ]
        }
    }
}
