import CoreMetrics
import Logging
import MirrorCore
import Synchronization

/// Handles admin calls without a valid token: counts them, logs clients that send wrong tokens, and answers those more and more slowly.
///
/// Calls with a valid token never get here, so a client that guesses does not slow down others behind its address. The tokens themselves are
/// not kept.
package final class AdminRefusals: Sendable {
    package static let metric = "cloud_mirror_refused_admin_calls_total"

    /// How many wrong tokens of one client are answered at once: people mistype.
    static let freeGuesses = 3
    static let firstDelay = Duration.milliseconds(250)
    /// Short, because a shutdown waits for delayed answers.
    static let maxDelay = Duration.seconds(2)
    /// How many answers are delayed at the same time. Further ones are sent at once: a guess then costs the client a connection, and us no more.
    static let maxDelayed = 256
    /// After this long without a wrong token, a client starts again from zero.
    static let memory = Duration.seconds(600)
    static let maxClients = 1_000
    /// The least time between two log lines about one client.
    static let logInterval = Duration.seconds(60)
    /// Log lines in one interval, about all clients.
    static let maxLines = 10

    private struct Guesser {
        var guesses = 0
        var last: ContinuousClock.Instant
        var unlogged = 0
        var logged: ContinuousClock.Instant?
    }

    private struct State {
        /// By the client's network.
        var guessers: [[UInt8]: Guesser] = [:]
        var delayed = 0
        var lines = 0
        var linesSince: ContinuousClock.Instant?
    }

    private let clock: any MonotonicClock
    private let withoutToken: Counter
    private let withWrongToken: Counter
    private let state = Mutex(State())

    init(factory: any MetricsFactory, clock: any MonotonicClock) {
        self.clock = clock
        withoutToken = Counter(label: Self.metric, dimensions: [("reason", "no-token")], factory: factory)
        withWrongToken = Counter(label: Self.metric, dimensions: [("reason", "wrong-token")], factory: factory)
    }

    func noToken() { withoutToken.increment() }

    /// Returns when the client may be answered.
    func wrongToken(from client: IPAddress?, _ logger: Logger) async {
        withWrongToken.increment()
        // A client with one IPv6 address has its whole /64.
        let network = client.map { Array($0.bytes.prefix(8)) } ?? []
        let (delay, guesses) = state.withLock { state in
            let now = clock.instant
            var guesser = Self.guesser(network, in: &state, at: now)
            guesser.guesses += 1
            guesser.unlogged += 1
            guesser.last = now
            let guesses = Self.mayLog(guesser, in: &state, at: now) ? guesser.unlogged : nil
            if guesses != nil { (guesser.unlogged, guesser.logged) = (0, now) }
            state.guessers[network] = guesser
            let delay = state.delayed < Self.maxDelayed ? Self.delay(after: guesser.guesses) : .zero
            if delay > .zero { state.delayed += 1 }
            return (delay, guesses)
        }
        if let guesses {
            logger.warning(
                "admin calls with a wrong token were refused",
                metadata: ["client": "\(client?.description ?? "unknown")", "calls": .stringConvertible(guesses)])
        }
        guard delay > .zero else { return }
        // If the client leaves before its answer, only this wait ends.
        try? await clock.sleep(for: delay)
        state.withLock { $0.delayed -= 1 }
    }

    /// - Parameter guesses: Includes this one.
    static func delay(after guesses: Int) -> Duration {
        guard guesses > freeGuesses else { return .zero }
        return Backoff(first: firstDelay, limit: maxDelay).pause(after: guesses - freeGuesses)
    }

    private static func guesser(_ network: [UInt8], in state: inout State, at now: ContinuousClock.Instant) -> Guesser {
        if let known = state.guessers[network], known.last.duration(to: now) < memory { return known }
        if state.guessers.count >= maxClients {
            state.guessers = state.guessers.filter { $0.value.last.duration(to: now) < memory }
            if state.guessers.count >= maxClients, let oldest = state.guessers.min(by: { $0.value.last < $1.value.last }) {
                state.guessers[oldest.key] = nil
            }
        }
        return Guesser(last: now)
    }

    private static func mayLog(_ guesser: Guesser, in state: inout State, at now: ContinuousClock.Instant) -> Bool {
        func isOver(_ time: ContinuousClock.Instant?) -> Bool { time.map { $0.duration(to: now) >= logInterval } ?? true }
        guard isOver(guesser.logged) else { return false }
        if isOver(state.linesSince) { (state.lines, state.linesSince) = (0, now) }
        guard state.lines < maxLines else { return false }
        state.lines += 1
        return true
    }
}
