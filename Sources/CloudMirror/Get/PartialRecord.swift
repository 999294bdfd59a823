import MirrorCore

/// What is known about an unfinished download, kept in `FILE.part.json` beside `FILE.part`.
struct PartialRecord: Codable, Equatable {
    /// The artifact.
    var url: String
    /// The server's name for this version: a strong ETag or a Last-Modified date, as `If-Range` accepts them.
    var validator: String

    /// - Parameters:
    ///   - etag: The `ETag` field.
    ///   - lastModified: The `Last-Modified` field.
    /// - Returns: `nil` if a continued download could mix two versions: the only validator is a weak one, or there is none (RFC 9110 §13.1.5).
    init?(artifact: ArtifactURL, etag: String?, lastModified: String?) {
        if let etag, etag.hasPrefix("\""), etag.hasSuffix("\""), etag.utf8.count >= 2 {
            validator = etag
        } else if let lastModified, !lastModified.isEmpty {
            validator = lastModified
        } else {
            return nil
        }
        url = artifact.description
    }

    /// The fields that ask for the rest of this version, or for all of another one.
    ///
    /// - Parameter offset: Bytes that have been downloaded.
    /// - Returns: An empty list if there is nothing to continue.
    static func rangeFields(of record: PartialRecord?, artifact: ArtifactURL, offset: Int64) -> [(String, String)] {
        guard let record, record.url == artifact.description, offset > 0 else { return [] }
        return [("range", "bytes=\(offset)-"), ("if-range", record.validator)]
    }
}
