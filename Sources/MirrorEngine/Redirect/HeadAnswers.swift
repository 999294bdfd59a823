import Logging
import MirrorCore
import MirrorState
package import MirrorStorage
import Synchronization

/// Answers HEAD where a redirect would not help: a signed location works only for GET, and a client that asks only for the header should not have
/// to wait for a copy.
final class HeadAnswers: Sendable {
    private let state: HotIndex
    private let presence: PresenceCheck
    private let headers: OriginHeaders
    private let metrics: EngineMetrics
    private let clock: any MirrorClock
    private let logger: Logger
    private let troubles: LineBudget
    private let looks = SingleFlight<ReplicaID, Look?>()
    /// The fields of origins that pools keep with objects; the state does not have them.
    private let known = Mutex(RecentEntries<Int, Known>(capacity: 10_000))

    /// An object as its pool describes it.
    private struct Look: Sendable {
        let object: StoredObject
        let words: OriginWords
    }

    private struct Known: Sendable {
        let storedAt: Timestamp
        let words: OriginWords
    }

    init(
        state: HotIndex, presence: PresenceCheck, metrics: EngineMetrics, clock: any MirrorClock, logger: Logger, troubles: LineBudget
    ) {
        self.state = state
        self.presence = presence
        headers = OriginHeaders(clock: clock)
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
        self.troubles = troubles
    }

    /// What the pool says about an object. Requests that ask at the same time share the first lookup, and the state keeps its result.
    ///
    /// - Parameter hasFields: Whether fields of the origin are part of the answer.
    /// - Returns: `nil` if the pool no longer has it; the replica has then been forgotten.
    func answer(
        _ object: StoredObject, of id: ReplicaID, in pool: Pool, as outcome: Outcome, hasFields: Bool = false
    ) async throws -> RedirectAnswer? {
        let words = hasFields ? words(on: object, id) : OriginWords()
        if let known = object.representation, let words {
            return .description(ArtifactDescription(object, known, words.fields, outcome: outcome))
        }
        let look: Look?
        do {
            look = try await looks.run(id) { try await self.look(object, of: id, in: pool) }
        } catch let error as StorageError {
            // An answer from what is known without the pool is better than none.
            guard let known = object.representation else { throw error }
            return .description(ArtifactDescription(object, known, OriginFields(), outcome: outcome))
        }
        guard let look, let representation = look.object.representation else { return nil }
        return .description(
            ArtifactDescription(look.object, representation, hasFields ? look.words.fields : OriginFields(), outcome: outcome))
    }

    /// - Returns: `nil` if the pool has to be asked.
    private func words(on object: StoredObject, _ id: ReplicaID) -> OriginWords? {
        known.withLock { known in known[id.hashValue].flatMap { $0.storedAt == object.storedAt ? $0.words : nil } }
    }

    /// What the origin said of a replica's object.
    ///
    /// - Returns: `nil` if the pool no longer has it.
    func words(on object: StoredObject, of id: ReplicaID, in pool: Pool) async throws -> OriginWords? {
        if let words = words(on: object, id) { return words }
        return try await looks.run(id) { try await self.look(object, of: id, in: pool) }?.words
    }

    private func look(_ object: StoredObject, of id: ReplicaID, in pool: Pool) async throws -> Look? {
        var described = object
        let words: OriginWords
        do {
            let info = try await pool.store.head(object.key)
            described.representation = Representation(info)
            words = OriginWords(fields: info.metadata.originFields, etag: info.metadata.upstreamETag)
            known.withLock { $0.insert(Known(storedAt: object.storedAt, words: words), for: id.hashValue) }
        } catch let error as StorageError where error.code == .notFound {
            _ = try await presence.forgetIfMissing(id)
            return nil
        }
        do {
            if object.representation != described.representation { try await state.describe(id, described) }
        } catch {
            metrics.countError(error)
            troubles.log(
                .warning, "could not store what the pool reports about an object", to: logger,
                metadata: ["replica": "\(id)", "error": "\(error)"])
        }
        return Look(object: described, words: words)
    }

    /// How long a bucket may take to answer: it belongs to a storage service, which normally needs milliseconds to seconds.
    private static let bucketPatience = Duration.seconds(4)

    /// What a private origin says about an artifact that the mirror has no copy of.
    ///
    /// - Parameter network: The network that asks.
    /// - Parameter maySpend: Called before the bucket is asked.
    /// - Returns: `nil` if it does not say, or not in time.
    func ofBucket(
        _ origin: any Origin, from network: ClientNetwork?, maySpend: @escaping @Sendable () -> Bool
    ) async -> RedirectAnswer? {
        switch try? await headers.answer(origin, within: Self.bucketPatience, from: network, maySpend: maySpend) {
        case .known(let description): .description(description.with(outcome: .fallback))
        // Only this network's budget is used up; others may still ask.
        case .overBudget: .origin(.budget)
        case .failed, .unstated, .timedOut, .busy, nil: nil
        }
    }

    /// What the origin says about an artifact whose copy is queued or running.
    ///
    /// - Parameter network: The network that asks.
    /// - Parameter maySpend: Called before the origin is asked.
    func answer(
        pending origin: any Origin, until deadline: ContinuousClock.Instant, from network: ClientNetwork?,
        maySpend: @escaping @Sendable () -> Bool
    ) async throws -> RedirectAnswer {
        switch try await headers.answer(origin, within: clock.instant.duration(to: deadline), from: network, maySpend: maySpend) {
        case .known(let description): .description(description)
        case .timedOut, .unstated: .origin(.timedOut)
        case .overBudget: .origin(.budget)
        case .busy: .origin(.overloaded)
        // The copy will be tried again, and so may the client.
        case .failed(let error) where error.isTransient: .origin(.copyFailed)
        case .failed(let error):
            RedirectAnswer(CopyFailure(reason: error.reason, message: error.message, retryAt: clock.now))
        }
    }
}

/// What an origin said of an artifact when it was copied, beyond what its bytes are.
package struct OriginWords: Sendable, Equatable {
    package var fields = OriginFields()
    /// Its `ETag`; the object has another in its pool.
    package var etag: String?
}

extension Representation {
    init(_ info: ObjectInfo) {
        self.init(
            etag: info.etag, lastModified: info.lastModified, contentType: info.metadata.contentType,
            contentEncoding: info.metadata.contentEncoding, contentDisposition: info.metadata.contentDisposition)
    }
}
