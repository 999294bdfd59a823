public import MirrorCore

/// A bucket that artifacts are fetched from with the mirror's own credentials, instead of by plain HTTP.
///
/// All errors are ``StorageError`` or `CancellationError`.
public protocol BucketOrigin: Sendable {
    /// The canonical URL of the artifact that `url` refers to, however the bucket's object is spelled in it: by path, by virtual host, with or
    /// without a region, with or without a signature, or in the service's own scheme (`s3://bucket/key`).
    ///
    /// - Returns: `nil` for anything that is not in this bucket. A URL that this method has returned is returned unchanged.
    func artifact(_ url: String) -> ArtifactURL?

    /// Requests an object in this bucket, or a range of it.
    ///
    /// - Parameter ifMatch: An entity tag that the object must still have.
    /// - Returns: The service's answer, whatever its status, after retries on throttling and temporary errors.
    func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer

    /// Requests the header fields of an object, without its bytes; the body of the answer is empty.
    func head(_ artifact: ArtifactURL) async throws -> BucketAnswer

    /// The source from which a pool of the same service can copy, if `answer` came from ``head(_:)`` for the same artifact.
    ///
    /// - Returns: `nil` if the answer does not state what is needed for that.
    func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource?

    /// Where a client without credentials finds the artifact itself, for when the mirror cannot help. Makes no network call, except for
    /// credentials, as ``ObjectStore/location(of:life:)``.
    func location(of artifact: ArtifactURL, life: Duration) async throws -> ObjectLocation
}

/// The answer of a bucket.
public struct BucketAnswer: Sendable {
    /// The HTTP status.
    public var status: Int
    /// The header fields as the service sent them.
    public var headers: [(name: String, value: String)]
    /// Empty for ``BucketOrigin/head(_:)``.
    public var body: ByteStream

    public init(status: Int, headers: [(name: String, value: String)], body: ByteStream) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
