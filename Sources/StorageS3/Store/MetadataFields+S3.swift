import StorageCloud

extension MetadataFields {
    /// Amazon S3 User Guide, "Working with object metadata": names and values together may have 2 KB.
    static let s3 = MetadataFields(prefix: "x-amz-meta-", maxSize: 2_000, addedCoding: "aws-chunked")
}
