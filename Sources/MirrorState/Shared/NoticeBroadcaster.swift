import Synchronization

/// Tells every open stream that something has changed; what was not read yet counts as one.
package final class NoticeBroadcaster: Sendable {
    private struct State {
        var streams: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextID = 0
        var isFinished = false
    }

    private let state = Mutex(State())

    package init() {}

    /// A stream of the notices from now on; it ends at once after ``finish()``.
    package func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state -> Int? in
            guard !state.isFinished else { return nil }
            state.nextID += 1
            state.streams[state.nextID] = continuation
            return state.nextID
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in self?.remove(id) }
        return stream
    }

    package func publish() {
        for continuation in state.withLock({ Array($0.streams.values) }) { continuation.yield() }
    }

    /// Ends every stream.
    package func finish() {
        let streams = state.withLock { state in
            state.isFinished = true
            return Array(state.streams.values)
        }
        for continuation in streams { continuation.finish() }
    }

    private func remove(_ id: Int) {
        state.withLock { $0.streams[id] = nil }
    }
}
