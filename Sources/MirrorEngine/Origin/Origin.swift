package import MirrorCore
import MirrorStorage
package import NamedOrigins

/// Where the bytes of one artifact come from: found once (``OriginTable``), and carried by the request or the copy from then on.
package protocol Origin: Sendable {
    /// The artifact's name, and the URL that fetches it.
    var source: ArtifactSource { get }

    /// What the rule of a named origin says of it; `nil` where it is not one's.
    var named: NamedCall? { get }

    /// Whether the mirror reads it with credentials of its own: clients get signed locations, which work for GET alone.
    var isPrivate: Bool { get }

    /// Asks the egress policy alone; makes no call.
    ///
    /// - Throws: `OutboundError` that says why the artifact may not be fetched.
    func check() throws

    /// Where a client gets the artifact without the mirror's help.
    ///
    /// - Parameter life: How long a signed location has to work.
    /// - Throws: `StorageError` when there are no credentials to sign with.
    func location(life: Duration) async throws -> String

    /// Where a service elsewhere gets the artifact with a plain GET, also a range of it.
    ///
    /// - Parameter answered: What answered a request before, at the end of its redirects.
    /// - Parameter life: How long a signed URL has to work.
    /// - Returns: `nil` where there is no such place.
    /// - Throws: ``CopyError``, `OutboundError`, or `CancellationError`.
    func reach(from answered: ArtifactURL, life: Duration) async throws -> OriginReach?

    /// Asks what is known of the artifact without its bytes.
    ///
    /// - Returns: `nil` for an origin that only a GET is asked of.
    /// - Throws: ``CopyError`` or `CancellationError`.
    func head() async throws -> OriginHead?

    /// Asks for the artifact, or for a range of it, following redirects.
    ///
    /// - Parameter url: What answered a request before, at the end of its redirects; `nil` for the first.
    /// - Parameter range: The origin may answer with the whole all the same.
    /// - Parameter ifMatch: A strong entity tag that the artifact must still have.
    /// - Returns: The answer, whatever its status.
    /// - Throws: ``CopyError``, `OutboundError`, or `CancellationError`.
    func get(at url: ArtifactURL?, range: ByteRange?, ifMatch: String?) async throws -> OriginAnswer
}

/// Where an artifact can be fetched without the mirror.
package struct OriginReach: Sendable {
    let url: ArtifactURL
    /// Whether every address of its host is one of the public internet.
    let isPublic: Bool
}

/// What an origin says of an artifact without its bytes.
package struct OriginHead: Sendable {
    let answer: OriginAnswer
    /// What a pool of the same service copies from; `nil` where the answer does not state what is needed for that.
    let copySource: CopySource?
}
