/// An object of a bucket, as the service knows it.
package struct GCSObjectName: Sendable, Hashable {
    /// Not encoded.
    package var key: String
    /// Of one of the versions; `nil` for the newest.
    package var generation: String?
}
