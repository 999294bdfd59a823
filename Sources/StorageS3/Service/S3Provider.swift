/// What all parts of this module call the service: in pools' names, in errors and in metrics.
package enum S3Provider {
    package static let service = "s3"
}
