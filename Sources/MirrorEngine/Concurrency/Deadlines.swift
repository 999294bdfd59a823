import MirrorCore
import Synchronization

/// Something that ``Deadlines`` calls when its time has come.
protocol Alarm: AnyObject, Sendable {
    /// Called in any task, at most once for each time it was set; must be quick.
    func ring(_ ending: Deadlines.Ending)
}

/// Rings alarms at their times, with one timer for all: otherwise each of ten thousand waiting requests would cost a timer.
final class Deadlines: Sendable {
    enum Ending: Sendable {
        case timeIsOver
        /// This process is shutting down.
        case closed
    }

    private struct State {
        /// Alarms by the time at which they ring; see ``coarseness``.
        var alarms: [ContinuousClock.Instant: [ObjectIdentifier: any Alarm]] = [:]
        var times: [ObjectIdentifier: ContinuousClock.Instant] = [:]
        /// Ends with the first alarm; exists whenever there are alarms.
        var timer: (end: ContinuousClock.Instant, timer: ClockTimer)?
        var isClosed = false
    }

    /// Times are rounded up to a multiple of this, so that many alarms share few times.
    private static let coarseness = Duration.milliseconds(10)
    /// How much time a request gets that arrives during a shutdown: enough for an answer from memory.
    private static let lastLook = Duration.milliseconds(250)

    private let clock: any MonotonicClock
    private let state = Mutex(State())

    init(clock: any MonotonicClock) {
        self.clock = clock
    }

    /// Whether this process is shutting down.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Sets an alarm for a time. While this process is shutting down, it rings within ``lastLook``.
    func set(_ alarm: any Alarm, at time: ContinuousClock.Instant) {
        state.withLock { state in
            let latest = state.isClosed ? clock.instant + Self.lastLook : nil
            place(alarm, at: latest.map { min(time, $0) } ?? time, &state)
        }
    }

    /// Moves an alarm that has not rung yet to another time. While this process is shutting down, it rings at once.
    func move(_ alarm: any Alarm, to time: ContinuousClock.Instant) {
        let ringsNow = state.withLock { state in
            guard state.times[ObjectIdentifier(alarm)] != nil else { return false }
            Self.remove(alarm, from: &state)
            if !state.isClosed { place(alarm, at: time, &state) }
            return state.isClosed
        }
        if ringsNow { alarm.ring(.closed) }
    }

    func takeBack(_ alarm: any Alarm) {
        state.withLock { state in
            Self.remove(alarm, from: &state)
            if state.alarms.isEmpty { Self.stopTimer(&state) }
        }
    }

    /// Rings all alarms now.
    func close() {
        let alarms = state.withLock { state in
            state.isClosed = true
            Self.stopTimer(&state)
            defer { (state.alarms, state.times) = ([:], [:]) }
            return state.alarms.values.flatMap(\.values)
        }
        for alarm in alarms { alarm.ring(.closed) }
    }

    private func place(_ alarm: any Alarm, at time: ContinuousClock.Instant, _ state: inout State) {
        let time = time.roundedUp(to: Self.coarseness)
        state.alarms[time, default: [:]][ObjectIdentifier(alarm)] = alarm
        state.times[ObjectIdentifier(alarm)] = time
        if state.timer.map({ time < $0.end }) ?? true { startTimer(until: time, &state) }
    }

    private static func remove(_ alarm: any Alarm, from state: inout State) {
        guard let time = state.times.removeValue(forKey: ObjectIdentifier(alarm)) else { return }
        state.alarms[time]?[ObjectIdentifier(alarm)] = nil
        if state.alarms[time]?.isEmpty == true { state.alarms[time] = nil }
    }

    private static func stopTimer(_ state: inout State) {
        state.timer?.timer.cancel()
        state.timer = nil
    }

    private func startTimer(until end: ContinuousClock.Instant, _ state: inout State) {
        Self.stopTimer(&state)
        state.timer = (end, clock.timer(at: end) { self.ring(at: end) })
    }

    /// - Parameter end: The end of the timer that has fired.
    private func ring(at end: ContinuousClock.Instant) {
        let (over, isClosed) = state.withLock { state -> ([any Alarm], Bool) in
            guard state.timer?.end == end else { return ([], false) }
            state.timer = nil
            let now = clock.instant
            var over: [any Alarm] = []
            for time in state.alarms.keys where time <= now {
                for (id, alarm) in state.alarms.removeValue(forKey: time) ?? [:] {
                    state.times[id] = nil
                    over.append(alarm)
                }
            }
            if let next = state.alarms.keys.min() { startTimer(until: next, &state) }
            return (over, state.isClosed)
        }
        for alarm in over { alarm.ring(isClosed ? .closed : .timeIsOver) }
    }
}
