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
    }

    static let maxViewers = 32
    static let interval = Duration.seconds(1)

    private struct State {
        var viewers: [Int: AsyncStream<ByteBuffer>.Continuation] = [:]
        var last = 0
        var isClosed = false
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

    /// - Returns: `nil` if as many look as may, or at shutdown.
    func open() -> Viewer? {
        let viewer = state.withLock { state -> Viewer? in
            guard !state.isClosed, state.viewers.count < Self.maxViewers else { return nil }
            state.last += 1
            let (number, (frames, send)) = (state.last, AsyncStream.makeStream(of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(1)))
            state.viewers[number] = send
            return Viewer(frames) { [weak self] in self?.remove(number) }
        }
        if viewer != nil { arrive.yield() }
        return viewer
    }

    /// Ends all streams, and begins no more.
    func close() {
        let viewers = state.withLock { state in
            state.isClosed = true
            return state.viewers.values.map { $0 }
        }
        for viewer in viewers { viewer.finish() }
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
        for viewer in state.withLock({ $0.viewers.values.map { $0 } }) { viewer.yield(frame) }
    }

    private func remove(_ number: Int) {
        state.withLock { state in state.viewers.removeValue(forKey: number) }?.finish()
    }
}
