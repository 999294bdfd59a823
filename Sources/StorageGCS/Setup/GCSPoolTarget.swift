import MirrorCore
import MirrorStorage
import StorageCloud

/// What a pool wants of its bucket.
struct GCSPoolTarget: PoolTarget {
    var bucket: String
    var endpoint: GCSEndpoint
    var reading: BucketReading
    /// The prefix of the names of uploads in progress.
    var uploadPrefix: String
    /// `us-central1`
    var location: String
    var project: String?
    var retention: Duration

    init(_ configuration: GCSConfiguration, retention: Duration) {
        bucket = configuration.bucket
        endpoint = configuration.endpoint
        reading = configuration.reading
        uploadPrefix = configuration.uploadPrefix
        location = configuration.location
        project = configuration.project
        self.retention = retention
    }
}
