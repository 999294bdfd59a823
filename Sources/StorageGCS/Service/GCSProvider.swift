/// What all parts of this module call the service: in pools' names, in errors and in metrics.
package enum GCSProvider {
    package static let service = "gcs"
}
