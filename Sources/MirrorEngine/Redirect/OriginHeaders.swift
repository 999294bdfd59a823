import MirrorCore
import MirrorStorage
import Synchronization

/// What origins say about artifacts whose copy is not done, for HEAD requests. Concurrent requests share one lookup, and its result is remembered for
/// a short while.
///
/// Except for buckets, it sends a GET for the first byte, because signed URLs are signed for GET, and some servers answer HEAD incorrectly.
final class OriginHeaders: Sendable {
    /// The result of asking an origin.
    enum Answer: Sendable {
        case known(ArtifactDescription)
        /// The origin does not provide the artifact.
        case failed(CopyError)
        /// The origin does not state the artifact's length, which is what clients send HEAD for.
        case unstated
        case timedOut
        /// This client network has used up its budget.
        case overBudget(ClientNetwork?)
        /// Too many lookups are already running.
        case busy
    }

    /// Requests for one artifact that can wait for about the same time. None waits for a lookup with a longer limit.
    private struct Flight: Hashable {
        let source: ArtifactSource
        let seconds: Int64
    }

    private struct State {
        var known: [ArtifactURL: (description: ArtifactDescription, until: ContinuousClock.Instant)] = [:]
        var asking = 0
    }

    /// Waits are cut to one of these numbers of seconds, so that there are few lookups of one artifact at the same time, whatever clients ask for.
    private static let steps: [Int64] = [1, 2, 4, 8, 12, 16, 25, 50]
    /// How many lookups may run at the same time: connections are meant for copies.
    private static let maxAsking = 32
    private static let maxKnown = 1_000
    /// How long an answer is remembered: about as long as a slow copy takes, and short enough for what may change.
    private static let life = Duration.seconds(60)

    private let clock: any MirrorClock
    private let flights = SingleFlight<Flight, Answer>()
    private let state = Mutex(State())

    init(clock: any MirrorClock) {
        self.clock = clock
    }

    /// - Parameter limit: How long the answer may be delayed.
    /// - Parameter network: The network that asks.
    /// - Parameter maySpend: Called before the origin is asked.
    func answer(
        _ origin: any Origin, within limit: Duration, from network: ClientNetwork?, maySpend: @escaping @Sendable () -> Bool
    ) async throws -> Answer {
        let source = origin.source
        let now = clock.instant
        if let known = state.withLock({ $0.known[source.name] }), now < known.until { return .known(known.description) }
        guard let seconds = Self.steps.last(where: { .seconds($0) <= limit }) else { return .timedOut }
        while true {
            let answer = try await flights.run(Flight(source: source, seconds: seconds)) { [self] in
                guard maySpend() else { return .overBudget(network) }
                guard begin() else { return .busy }
                defer { state.withLock { $0.asking -= 1 } }
                let answer = try await ask(OriginReader(origin: origin, clock: clock), within: .seconds(seconds))
                if case .known(let description) = answer { remember(description, of: source.name) }
                return answer
            }
            // The first request's budget says nothing about the others'.
            if case .overBudget(let other) = answer, other != network { continue }
            return answer
        }
    }

    private func begin() -> Bool {
        state.withLock { state in
            guard state.asking < Self.maxAsking else { return false }
            state.asking += 1
            return true
        }
    }

    private func remember(_ description: ArtifactDescription, of artifact: ArtifactURL) {
        let now = clock.instant
        state.withLock { state in
            if state.known.count >= Self.maxKnown { state.known = state.known.filter { now < $0.value.until } }
            guard state.known.count < Self.maxKnown else { return }
            state.known[artifact] = (description, now + Self.life)
        }
    }

    private func ask(_ origin: OriginReader, within limit: Duration) async throws -> Answer {
        try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask {
                do {
                    return try await Self.describe(origin).map { .known($0) } ?? .unstated
                } catch is CancellationError {
                    return .timedOut
                } catch {
                    return .failed(CopyError(error))
                }
            }
            group.addTask { [clock] in
                try? await clock.sleep(for: limit)
                return .timedOut
            }
            defer { group.cancelAll() }
            return try await group.next() ?? .timedOut
        }
    }

    private static func describe(_ origin: OriginReader) async throws -> ArtifactDescription? {
        if let head = try await origin.head() {
            return ArtifactDescription(head.response, of: origin.artifact, acceptsRanges: true)
        }
        let response = try await origin.open(range: ByteRange(offset: 0, length: 1))
        return ArtifactDescription(response, of: origin.artifact, acceptsRanges: response.range != nil)
    }
}

extension ArtifactDescription {
    /// - Parameter acceptsRanges: Whether the origin accepts ranges: the client may still be redirected to it.
    fileprivate init?(_ response: OriginResponse, of artifact: ArtifactURL, acceptsRanges: Bool) {
        guard let size = response.totalSize else { return nil }
        let metadata = response.metadata(of: artifact, stored: Timestamp(milliseconds: 0))
        self.init(
            outcome: .pending, size: size, sha256: nil, etag: metadata.upstreamETag.flatMap(Self.weak),
            lastModified: metadata.upstreamLastModified, contentType: metadata.contentType,
            contentEncoding: metadata.contentEncoding, contentDisposition: metadata.contentDisposition, acceptsRanges: acceptsRanges,
            originFields: metadata.originFields)
    }

    /// A weak entity tag: it compares equal, but cannot be used in conditions that need identical bytes (RFC 9110 §8.8.1, §13.1.1).
    ///
    /// - Returns: `nil` if it is not an entity tag.
    private static func weak(_ etag: String) -> String? {
        let opaque = etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...]
        guard opaque.utf8.count >= 2, opaque.utf8.first == UInt8(ascii: "\""), opaque.utf8.last == UInt8(ascii: "\""),
            opaque.utf8.dropFirst().dropLast().allSatisfy({ $0 == 0x21 || (0x23...0x7E).contains($0) })
        else { return nil }
        return "W/\(opaque)"
    }
}
