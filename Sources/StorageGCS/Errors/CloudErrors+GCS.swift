import StorageCloud

extension CloudErrors {
    static let gcs = CloudErrors(service: GCSProvider.service)
}
