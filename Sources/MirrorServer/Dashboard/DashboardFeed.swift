import MirrorCore
import NIOCore
import Synchronization

/// Sends the dashboard's figures to all viewers: computed once a second for all of them, and only while there are viewers.
final class DashboardFeed: Sendable {
    /// A viewer. Its place is free again when the last reference to it is gone, whatever happened to the request.
    final class Viewer: Sendable {
        /// Only the newest frame is kept for a slow viewer.
        let frames: AsyncStream<ByteBuffer>
        private let leave: @Sendable () -> Void

        fileprivate init(_ frames: AsyncStream<ByteBuffer>, leave: @escaping @Sendable () -> Void) {
            self.frames = frames
            self.leave = leave
        }

        deinit { leave() }

        /// Ends the stream.
        func end() { leave() }
    }

    static let maxViewers = 32
    /// A person may have more than one page open, and forget some of them.
    static let maxOfSession = 8
    /// How long a viewer keeps its place for certain: after that, it makes room for another one if there is no other room.
    static let stay = Duration.seconds(300)
    static let interval = Duration.seconds(1)

    private struct Place {
        let session: String
        let since: ContinuousClock.Instant
        let send: AsyncStream<ByteBuffer>.Continuation
    }

    private struct State {
        /// By number, in the order in which they have come.
        var viewers: [Int: Place] = [:]
        var last = 0
        var isClosed = false

        /// The viewer that has looked longest, if it has looked long enough.
        func oldest(at now: ContinuousClock.Instant) -> Int? {
            guard let first = viewers.min(by: { $0.key < $1.key }), first.value.since + DashboardFeed.stay <= now else { return nil }
            return first.key
        }
    }

    private let make: @Sendable () async -> ByteBuffer?
    private let clock: any MonotonicClock
    private let state = Mutex(State())
    private let (arrivals, arrive) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameter make: Makes a frame; `nil` if there are no new figures in time.
    init(clock: any MonotonicClock, _ make: @escaping @Sendable () async -> ByteBuffer?) {
        self.clock = clock
        self.make = make
    }

    /// - Parameter session: The session that the viewer belongs to.
    /// - Returns: `nil` if as many look as may, of this session or of all, or at shutdown.
    func open(for session: String) -> Viewer? {
        let now = clock.instant
        let (viewer, gone) = state.withLock { state -> (Viewer?, Place?) in
            let ofSession = state.viewers.values.count { $0.session == session }
            guard !state.isClosed, ofSession < Self.maxOfSession else { return (nil, nil) }
            var gone: Place?
            if state.viewers.count >= Self.maxViewers {
                guard let oldest = state.oldest(at: now) else { return (nil, nil) }
                gone = state.viewers.removeValue(forKey: oldest)
            }
            state.last += 1
            let (number, (frames, send)) = (state.last, AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(1)))
            state.viewers[number] = Place(session: session, since: now, send: send)
            return (Viewer(frames) { [weak self] in self?.remove(number) }, gone)
        }
        gone?.send.finish()
        if viewer != nil { arrive.yield() }
        return viewer
    }

    /// Ends all streams, and begins no more.
    func close() {
        let viewers = state.withLock { state in
            state.isClosed = true
            return state.viewers.values.map { $0 }
        }
        for viewer in viewers { viewer.send.finish() }
    }

    /// Sends until the task is cancelled.
    func run() async {
        for await _ in arrivals {
            while !Task.isCancelled, viewerCount > 0 {
                if let frame = await make() { send(frame) }
                do { try await clock.sleep(for: Self.interval) } catch { return }
            }
        }
    }

    var viewerCount: Int { state.withLock { $0.viewers.count } }

    private func send(_ frame: ByteBuffer) {
        for viewer in state.withLock({ $0.viewers.values.map { $0 } }) { viewer.send.yield(frame) }
    }

    private func remove(_ number: Int) {
        state.withLock { state in state.viewers.removeValue(forKey: number) }?.send.finish()
    }
}
