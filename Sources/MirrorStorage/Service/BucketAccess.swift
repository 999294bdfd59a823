/// How clients read the objects of a bucket.
package enum BucketAccess: String, Sendable, Hashable, CaseIterable {
    /// By the object's plain URL; the bucket allows everybody to read.
    case `public`
    /// By a URL with a signature that expires.
    case presigned
}
