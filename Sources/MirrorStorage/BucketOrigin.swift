public import MirrorCore

/// A bucket that artifacts are fetched from with credentials of the mirror's own, instead of by plain HTTP.
///
/// Everything thrown is a ``StorageError``, or `CancellationError`.
public protocol BucketOrigin: Sendable {
    /// The one URL of the artifact that `url` means, however the bucket's object is spelled in it: by path, by virtual host, with a region or
    /// without, with any signature or none, or in the service's own scheme (`s3://bucket/key`).
    ///
    /// - Returns: `nil` for what does not lie in this bucket. What this returns is returned for itself, too.
    func artifact(_ url: String) -> ArtifactURL?

    /// Asks for an object of this bucket, or for a range of it.
    ///
    /// - Parameter ifMatch: An entity tag that the object must still have.
    /// - Returns: The service's answer whatever its status, once throttling and passing errors were waited out.
    func open(_ artifact: ArtifactURL, range: ByteRange?, ifMatch: String?) async throws -> BucketAnswer

    /// Asks what is known of an object, without its bytes; the body of the answer is empty.
    func head(_ artifact: ArtifactURL) async throws -> BucketAnswer

    /// What a pool of the same service copies from, when `answer` came from ``head(_:)`` for the same artifact.
    ///
    /// - Returns: `nil` when the answer does not state what is needed for that.
    func source(of artifact: ArtifactURL, _ answer: BucketAnswer) -> CopySource?

    /// Where a client without credentials finds the artifact itself, for the time when the mirror cannot help. Makes no network call.
    func location(of artifact: ArtifactURL, life: Duration) async throws -> ObjectLocation
}

/// What a bucket answered.
public struct BucketAnswer: Sendable {
    /// The HTTP status.
    public var status: Int
    /// The fields as the service sent them.
    public var headers: [(name: String, value: String)]
    /// Empty for ``BucketOrigin/head(_:)``.
    public var body: ByteStream

    public init(status: Int, headers: [(name: String, value: String)], body: ByteStream) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
