import MirrorCore

/// What is remembered of an unfinished download, in `FILE.part.json` beside `FILE.part`.
struct PartialRecord: Codable, Equatable {
    /// The artifact.
    var url: String
    /// What the server called this version of it: a strong ETag or a Last-Modified date, as `If-Range` takes them.
    var validator: String

    /// - Parameters:
    ///   - etag: The `ETag` field.
    ///   - lastModified: The `Last-Modified` field.
    /// - Returns: `nil` when a continued download could mix two versions: there is no validator but a weak one (RFC 9110 §13.1.5).
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

    /// The fields that ask for the rest of this version, or for all of another.
    ///
    /// - Parameter offset: Bytes that are there.
    /// - Returns: None when there is nothing to continue.
    static func rangeFields(of record: PartialRecord?, artifact: ArtifactURL, offset: Int64) -> [(String, String)] {
        guard let record, record.url == artifact.description, offset > 0 else { return [] }
        return [("range", "bytes=\(offset)-"), ("if-range", record.validator)]
    }
}
