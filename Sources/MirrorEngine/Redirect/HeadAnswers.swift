import Logging
import MirrorCore
import MirrorState
import MirrorStorage

/// What HEAD is answered with where a redirect would be of no use: a signed location works for GET alone, and for a copy nobody
/// who only asks for the header should have to wait.
final class HeadAnswers: Sendable {
    private let state: HotIndex
    private let presence: PresenceCheck
    private let headers: OriginHeaders
    private let metrics: EngineMetrics
    private let clock: any MirrorClock
    private let logger: Logger
    private let troubles: LineBudget
    private let looks = SingleFlight<ReplicaID, StoredObject?>()

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

    /// What the pool says of an object. The first look is for all who ask at the same time, and the record keeps what it saw.
    ///
    /// - Returns: `nil` when the pool does not have it any more, and the replica is forgotten now.
    func answer(_ object: StoredObject, of id: ReplicaID, in pool: Pool, as outcome: Outcome) async throws -> RedirectAnswer? {
        if let known = object.representation { return .description(ArtifactDescription(object, known, outcome: outcome)) }
        let described = try await looks.run(id) { try await self.look(object, of: id, in: pool) }
        guard let described, let representation = described.representation else { return nil }
        return .description(ArtifactDescription(described, representation, outcome: outcome))
    }

    private func look(_ object: StoredObject, of id: ReplicaID, in pool: Pool) async throws -> StoredObject? {
        var described = object
        do {
            described.representation = Representation(try await pool.store.head(object.key))
        } catch let error as StorageError where error.code == .notFound {
            _ = try await presence.forgetIfMissing(id)
            return nil
        }
        do {
            try await state.describe(id, described)
        } catch {
            metrics.countError(error)
            troubles.log(
                .warning, "could not store what the pool reports about an object", to: logger,
                metadata: ["replica": "\(id)", "error": "\(error)"])
        }
        return described
    }

    /// Milliseconds to seconds: it is a service that answers, and not some server.
    private static let bucketPatience = Duration.seconds(4)

    /// What a private origin says of an artifact that the mirror cannot help with.
    ///
    /// - Parameter network: Who asks.
    /// - Parameter maySpend: Is asked before the bucket is.
    /// - Returns: `nil` when it does not say, or not in time.
    func ofBucket(
        _ origin: any Origin, from network: ClientNetwork?, maySpend: @escaping @Sendable () -> Bool
    ) async -> RedirectAnswer? {
        switch try? await headers.answer(origin, within: Self.bucketPatience, from: network, maySpend: maySpend) {
        case .known(let description): .description(description.with(outcome: .fallback))
        // Others may ask.
        case .overBudget: .origin(.budget)
        case .failed, .unstated, .timedOut, .busy, nil: nil
        }
    }

    /// What the origin says of an artifact whose copy is queued or under way.
    ///
    /// - Parameter network: Who asks.
    /// - Parameter maySpend: Is asked before the origin is.
    func answer(
        pending origin: any Origin, until deadline: ContinuousClock.Instant, from network: ClientNetwork?,
        maySpend: @escaping @Sendable () -> Bool
    ) async throws -> RedirectAnswer {
        switch try await headers.answer(origin, within: clock.instant.duration(to: deadline), from: network, maySpend: maySpend) {
        case .known(let description): .description(description)
        case .timedOut, .unstated: .origin(.timedOut)
        case .overBudget: .origin(.budget)
        case .busy: .origin(.overloaded)
        // The copy makes more attempts, and the client may make its own.
        case .failed(let error) where error.isTransient: .origin(.copyFailed)
        case .failed(let error):
            RedirectAnswer(CopyFailure(reason: error.reason, message: error.message, retryAt: clock.now))
        }
    }
}

extension Representation {
    init(_ info: ObjectInfo) {
        self.init(
            etag: info.etag, lastModified: info.lastModified, contentType: info.metadata.contentType,
            contentEncoding: info.metadata.contentEncoding, contentDisposition: info.metadata.contentDisposition)
    }
}
