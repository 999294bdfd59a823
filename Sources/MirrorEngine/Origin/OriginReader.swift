import MirrorCore
import MirrorNet
import MirrorStorage
import NamedOrigins

/// Reads one artifact from its origin, and rejects answers that are not consistent.
struct OriginReader: Sendable {
    let origin: any Origin
    let clock: any WallClock

    var artifact: ArtifactURL { origin.source.name }

    /// The artifact's digest in its URL: every copy must have it.
    var knownDigest: Digest? { origin.named?.digest }

    /// What is known about the artifact, without its bytes.
    ///
    /// - Returns: `nil` for an origin that is only sent GET, and for one whose refusal may concern only HEAD: then a GET decides.
    /// - Throws: ``CopyError`` or `CancellationError`.
    func head() async throws -> (response: OriginResponse, copySource: CopySource?)? {
        guard let head = try await origin.head() else { return nil }
        switch read(head.answer, requested: nil, size: nil) {
        case .success(let response): return (response, head.copySource)
        case .failure(let error) where error.mayComeOfTheRequest: return nil
        case .failure(let error): throw error
        }
    }

    /// Where a service elsewhere gets the artifact.
    ///
    /// - Returns: `nil` if there is no such place, or if it cannot be found out.
    /// - Throws: `CancellationError`.
    func reach(from answered: ArtifactURL, life: Duration) async throws -> OriginReach? {
        do {
            return try await origin.reach(from: answered, life: life)
        } catch is CopyError {
            return nil
        } catch is OutboundError {
            return nil
        }
    }

    /// Confirms that the artifact is still the one that a service has fetched.
    ///
    /// - Throws: `StorageError`, `.preconditionFailed` if it has changed; `CancellationError`.
    func confirm(_ source: URLSource) async throws {
        do {
            let now = try await open(range: ByteRange(offset: 0, length: 1), ifMatch: source.etag, size: source.size)
            guard now.strongETag == source.etag else {
                throw StorageError(.preconditionFailed, "the artifact changed while it was fetched", operation: "pull.confirm")
            }
        } catch let error as CopyError {
            let code: StorageError.Code = error.isTransient ? .unavailable : .preconditionFailed
            throw StorageError(code, error.message, operation: "pull.confirm", cause: error)
        } catch let error as OutboundError {
            throw StorageError(.unavailable, error.message, operation: "pull.confirm", cause: error)
        }
    }

    /// Requests the artifact, or a range of it, and follows redirects.
    ///
    /// If the request for a first part fails in a way that may be due to `Range`, the whole artifact is requested once, as any other client would do.
    ///
    /// - Parameter url: The URL that answered an earlier request, at the end of its redirects; `nil` for the first.
    /// - Parameter range: The range to request; the origin may still answer with the whole artifact.
    /// - Parameter ifMatch: A strong entity tag that the artifact must still have.
    /// - Parameter size: The size of the whole artifact in bytes, if the origin has stated it before; an answer that states another is refused.
    /// - Throws: ``CopyError``, `OutboundError`, or `CancellationError`.
    func open(
        at url: ArtifactURL? = nil, range: ByteRange? = nil, ifMatch: String? = nil, size: Int64? = nil
    ) async throws -> OriginResponse {
        // By the time of the second request, the first answer has been dropped, so its slot for that origin is free.
        let result = try await ask(at: url, range: range, ifMatch: ifMatch, size: size)
        guard case .failure(let error) = result, range?.offset == 0, error.mayComeOfTheRequest else { return try result.get() }
        return try await ask(at: url, range: nil, ifMatch: nil, size: size).get()
    }

    /// - Returns: The checked answer, or why it is refused; any other error is thrown.
    private func ask(
        at url: ArtifactURL?, range: ByteRange?, ifMatch: String?, size: Int64?
    ) async throws -> Result<OriginResponse, CopyError> {
        read(try await origin.get(at: url, range: range, ifMatch: ifMatch), requested: range, size: size)
    }

    private func read(_ answer: OriginAnswer, requested: ByteRange?, size: Int64?) -> Result<OriginResponse, CopyError> {
        do {
            return .success(try OriginResponse(answer, requested: requested, size: size, known: knownDigest, now: clock.now))
        } catch {
            return .failure(error)
        }
    }
}
