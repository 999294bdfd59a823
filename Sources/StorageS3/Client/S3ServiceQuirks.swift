import Synchronization

/// The optional parts that the server at one endpoint refuses, shared by all its clients.
///
/// Forgotten after some hours, because servers may be upgraded.
package final class S3ServiceQuirks: Sendable {
    private struct Refusal {
        var reason: String
        var end: ContinuousClock.Instant
    }

    static let life: Duration = .seconds(6 * 3_600)

    private let refused = Mutex<[S3Quirk: Refusal]>([:])

    package init() {}

    /// What is currently left out, and the server's reason.
    package func refusals(at now: ContinuousClock.Instant) -> [(quirk: S3Quirk, reason: String)] {
        refused.withLock { refused in
            S3Quirk.allCases.compactMap { quirk in
                refused[quirk].flatMap { $0.end > now ? (quirk, $0.reason) : nil }
            }
        }
    }

    func isRefused(_ quirk: S3Quirk, at now: ContinuousClock.Instant) -> Bool {
        refused.withLock { refused in refused[quirk].map { $0.end > now } ?? false }
    }

    func refuse(_ quirk: S3Quirk, reason: String, at now: ContinuousClock.Instant) {
        refused.withLock { $0[quirk] = Refusal(reason: reason, end: now + Self.life) }
    }
}

/// Finds the optional part of a request that a server refuses: leaves out each one alone, then all suspects together.
///
/// Does no I/O; the client asks it what to leave out, and reports the results.
struct S3QuirkTrial {
    /// The optional parts of the request that are not known to be refused.
    private let offered: [S3Quirk]
    /// Parts that are refused: without them the answer was a different one.
    private(set) var found: [S3Quirk: S3Failure] = [:]
    /// Left out in the current attempt.
    private var current: [S3Quirk] = []
    private var waiting: [[S3Quirk]] = []
    /// The answer to the request without the parts that were found.
    private var first: S3Failure?

    init(offered: [S3Quirk]) {
        self.offered = offered
    }

    /// Whether the next attempt includes the part.
    func has(_ quirk: S3Quirk) -> Bool { offered.contains(quirk) && found[quirk] == nil && !current.contains(quirk) }

    /// Called when the request succeeded.
    ///
    /// - Returns: The parts that the server refuses, with the answers that show it.
    mutating func succeeded() -> [(quirk: S3Quirk, failure: S3Failure)] {
        settle()
        return S3Quirk.allCases.compactMap { quirk in found[quirk].map { (quirk, $0) } }
    }

    /// Called when the request was refused.
    ///
    /// - Returns: `nil` if there is something left to try; otherwise the final answer, which is the one to the most complete request.
    mutating func failed(_ failure: S3Failure) -> S3Failure? {
        if let first {
            let isSame = first.code == failure.code && first.status == failure.status
            if isSame { return next() ? nil : first }
            // Another answer: the parts left out were refused, and now there is another problem.
            settle()
        }
        let suspects = offered.filter { found[$0] == nil && $0.mayBeMeant(by: failure) }
        guard !suspects.isEmpty else { return failure }
        first = failure
        waiting = suspects.map { [$0] }
        if suspects.count > 1 { waiting.append(suspects) }
        return next() ? nil : failure
    }

    private mutating func next() -> Bool {
        guard !waiting.isEmpty else { return false }
        current = waiting.removeFirst()
        return true
    }

    private mutating func settle() {
        if let first { for quirk in current { found[quirk] = first } }
        current = []
        waiting = []
    }
}
