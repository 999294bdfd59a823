import Synchronization

/// What the server at one endpoint was found to refuse, for everybody who talks to it.
///
/// Forgotten after some hours: servers get better.
package final class S3ServiceQuirks: Sendable {
    private struct Refusal {
        var reason: String
        var end: ContinuousClock.Instant
    }

    static let life: Duration = .seconds(6 * 3_600)

    private let refused = Mutex<[S3Quirk: Refusal]>([:])

    package init() {}

    /// What is left out now, and the answer that was given to it.
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

/// Finds out which optional part of a request made a server refuse it: each is left out by itself, then all that may be meant.
///
/// Free of I/O; the client asks it what to leave out, and tells it what came of that.
struct S3QuirkTrial {
    /// Those that the request could have and that are not known to be refused.
    private let offered: [S3Quirk]
    /// Found out on the way: without these the answer became another one.
    private(set) var found: [S3Quirk: S3Failure] = [:]
    /// Left out in the attempt that is under way.
    private var current: [S3Quirk] = []
    private var waiting: [[S3Quirk]] = []
    /// The answer to the request without what was found.
    private var first: S3Failure?

    init(offered: [S3Quirk]) {
        self.offered = offered
    }

    /// Whether the next attempt has it.
    func has(_ quirk: S3Quirk) -> Bool { offered.contains(quirk) && found[quirk] == nil && !current.contains(quirk) }

    /// The request succeeded.
    ///
    /// - Returns: What is refused from now on, and the answer that says so.
    mutating func succeeded() -> [(quirk: S3Quirk, failure: S3Failure)] {
        settle()
        return S3Quirk.allCases.compactMap { quirk in found[quirk].map { (quirk, $0) } }
    }

    /// The request was refused.
    ///
    /// - Returns: `nil` when there is something to try; otherwise the answer to the request, which is the one to the fullest form of it.
    mutating func failed(_ failure: S3Failure) -> S3Failure? {
        if let first {
            let isSame = first.code == failure.code && first.status == failure.status
            if isSame { return next() ? nil : first }
            // Another answer: what was left out was in the way, and something else is now.
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
