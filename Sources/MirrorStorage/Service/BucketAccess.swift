/// How clients get at the objects of a bucket.
package enum BucketAccess: String, Sendable, Hashable, CaseIterable {
    /// By the object's plain address; the bucket lets everybody read.
    case `public`
    /// By an address with a signature that ends.
    case presigned
}
