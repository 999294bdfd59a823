import StorageCloud

extension CloudErrors {
    static let s3 = CloudErrors(service: S3Provider.service)
}
