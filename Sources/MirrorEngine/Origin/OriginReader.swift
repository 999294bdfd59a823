import MirrorCore
import MirrorNet
import MirrorStorage
import NamedOrigins

/// Reads one artifact from its origin, and believes of the answers what goes together.
struct OriginReader: Sendable {
    let origin: any Origin
    let clock: any WallClock

    var artifact: ArtifactURL { origin.source.name }

    /// What is known of the artifact without its bytes.
    ///
    /// - Returns: `nil` for an origin that only a GET is asked of, and for one that refuses to tell: a GET decides then.
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
    /// - Returns: `nil` where there is no such place, or nobody knows.
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

    /// Fails unless the artifact is still the one that a service has fetched.
    ///
    /// - Throws: `StorageError`, `.preconditionFailed` when it has changed; `CancellationError`.
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

    /// Asks for the artifact, or for a range of it, following redirects.
    ///
    /// What an origin answers to the request for a first part, and would perhaps not answer to a plain one, is not believed: the whole is asked for once,
    /// as any other client would ask for it.
    ///
    /// - Parameter url: What answered a request before, at the end of its redirects; `nil` for the first.
    /// - Parameter range: What to ask for; the origin may answer with the whole all the same.
    /// - Parameter ifMatch: A strong entity tag that the artifact must still have.
    /// - Parameter size: Bytes of the whole artifact, where the origin has stated them before: an answer that states others is refused.
    /// - Throws: ``CopyError``, `OutboundError`, or `CancellationError`.
    func open(
        at url: ArtifactURL? = nil, range: ByteRange? = nil, ifMatch: String? = nil, size: Int64? = nil
    ) async throws -> OriginResponse {
        // The answer itself is gone by the time of the second request, and with it its place among those to that origin.
        let result = try await ask(at: url, range: range, ifMatch: ifMatch, size: size)
        guard case .failure(let error) = result, range?.offset == 0, error.mayComeOfTheRequest else { return try result.get() }
        return try await ask(at: url, range: nil, ifMatch: nil, size: size).get()
    }

    /// - Returns: What the origin's answer is worth; whatever else goes wrong is thrown.
    private func ask(
        at url: ArtifactURL?, range: ByteRange?, ifMatch: String?, size: Int64?
    ) async throws -> Result<OriginResponse, CopyError> {
        read(try await origin.get(at: url, range: range, ifMatch: ifMatch), requested: range, size: size)
    }

    private func read(_ answer: OriginAnswer, requested: ByteRange?, size: Int64?) -> Result<OriginResponse, CopyError> {
        do {
            return .success(try OriginResponse(answer, requested: requested, size: size, known: origin.named?.digest, now: clock.now))
        } catch {
            return .failure(error)
        }
    }
}
