import MirrorCore
import Synchronization

/// What the server at one endpoint was found to refuse, for everybody who talks to it.
///
/// Forgotten after some hours: servers get better.
package final class S3Niceties: Sendable {
    private struct Refusal {
        var reason: String
        var end: ContinuousClock.Instant
    }

    static let life: Duration = .seconds(6 * 3_600)

    private let refused = Mutex<[S3Nicety: Refusal]>([:])

    package init() {}

    /// What is left out now, and the answer that was given to it.
    package func refusals(at now: ContinuousClock.Instant) -> [(nicety: S3Nicety, reason: String)] {
        refused.withLock { refused in
            S3Nicety.allCases.compactMap { nicety in
                refused[nicety].flatMap { $0.end > now ? (nicety, $0.reason) : nil }
            }
        }
    }

    func isRefused(_ nicety: S3Nicety, at now: ContinuousClock.Instant) -> Bool {
        refused.withLock { refused in refused[nicety].map { $0.end > now } ?? false }
    }

    func refuse(_ nicety: S3Nicety, reason: String, at now: ContinuousClock.Instant) {
        refused.withLock { $0[nicety] = Refusal(reason: reason, end: now + Self.life) }
    }
}

/// Finds out which of a request's niceties made a server refuse it: each is left out by itself, then all that may be meant.
///
/// Free of I/O; the client asks it what to leave out, and tells it what came of that.
struct S3NicetyTrial {
    /// Those that the request could have and that are not known to be refused.
    private let offered: [S3Nicety]
    /// Found out on the way: without these the answer became another one.
    private(set) var found: [S3Nicety: S3Failure] = [:]
    /// Left out in the attempt that is under way.
    private var current: [S3Nicety] = []
    private var waiting: [[S3Nicety]] = []
    /// The answer to the request without what was found.
    private var first: S3Failure?

    init(offered: [S3Nicety]) {
        self.offered = offered
    }

    /// Whether the next attempt has it.
    func has(_ nicety: S3Nicety) -> Bool { offered.contains(nicety) && found[nicety] == nil && !current.contains(nicety) }

    /// The request succeeded.
    ///
    /// - Returns: What is refused from now on, and the answer that says so.
    mutating func succeeded() -> [(nicety: S3Nicety, failure: S3Failure)] {
        settle()
        return S3Nicety.allCases.compactMap { nicety in found[nicety].map { (nicety, $0) } }
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
        if let first { for nicety in current { found[nicety] = first } }
        current = []
        waiting = []
    }
}
