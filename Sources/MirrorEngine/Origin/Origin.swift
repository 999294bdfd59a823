package import MirrorCore
import MirrorStorage
package import NamedOrigins

/// Where the bytes of one artifact come from. It is found once (``OriginTable``), and the request or the copy then carries it along.
package protocol Origin: Sendable {
    /// The artifact's name, and the URL that fetches it.
    var source: ArtifactSource { get }

    /// What the rule of a named origin says about the artifact; `nil` if it does not belong to one.
    var named: NamedCall? { get }

    /// Whether the mirror reads it with its own credentials. Then clients get signed locations, which work only for GET.
    var isPrivate: Bool { get }

    /// Asks only the egress policy; sends no request.
    ///
    /// - Throws: `OutboundError` that says why the artifact may not be fetched.
    func check() throws

    /// Where a client gets the artifact without the mirror's help.
    ///
    /// - Parameter life: How long a signed location has to work.
    /// - Throws: `StorageError` if there are no credentials to sign with.
    func location(life: Duration) async throws -> String

    /// Where a service elsewhere gets the artifact, or a range of it, with a plain GET.
    ///
    /// - Parameter answered: The URL that answered an earlier request, at the end of its redirects.
    /// - Parameter life: How long a signed URL has to work.
    /// - Returns: `nil` if there is no such place.
    /// - Throws: ``CopyError``, `OutboundError`, or `CancellationError`.
    func reach(from answered: ArtifactURL, life: Duration) async throws -> OriginReach?

    /// Requests what is known about the artifact, without its bytes.
    ///
    /// - Returns: `nil` for an origin that is only sent GET.
    /// - Throws: ``CopyError`` or `CancellationError`.
    func head() async throws -> OriginHead?

    /// Requests the artifact, or a range of it, and follows redirects.
    ///
    /// - Parameter url: The URL that answered an earlier request, at the end of its redirects; `nil` for the first.
    /// - Parameter range: The range to request; the origin may still answer with the whole artifact.
    /// - Parameter ifMatch: A strong entity tag that the artifact must still have.
    /// - Returns: The answer, whatever its status.
    /// - Throws: ``CopyError``, `OutboundError`, or `CancellationError`.
    func get(at url: ArtifactURL?, range: ByteRange?, ifMatch: String?) async throws -> OriginAnswer
}

/// Where an artifact can be fetched without the mirror.
package struct OriginReach: Sendable {
    let url: ArtifactURL
    /// Whether every address of its host is on the public internet.
    let isPublic: Bool
}

/// What an origin says about an artifact, without its bytes.
package struct OriginHead: Sendable {
    let answer: OriginAnswer
    /// What a pool of the same service can copy from; `nil` if the answer does not state what is needed for that.
    let copySource: CopySource?
}
