import NIOCore

/// How far a connection's requests are, known to the handlers on both sides of the HTTP decoder. Belongs to one event loop.
final class ConnectionProgress {
    /// Requests that the slow path has begun to read and not finished answering.
    private var inFlight = 0
    /// Bytes were handed on whose request the decoder has not announced yet.
    private var awaitsHead = false
    private var awaitsHeadSince = NIODeadline.now()
    /// When a piece of a body was last written, which happens only when the client takes those before; `nil` while none is being sent.
    private var lastBodyProgress: NIODeadline?
    /// When the slow path last ended an answer: the client's silence begins there, however long ago it asked.
    private(set) var lastResponseEnd = NIODeadline.now()
    /// Where requests begin is no longer known.
    private var isLost = false

    /// Whether the next byte begins a request, and nothing before it is unanswered.
    var isAtBoundary: Bool { !isLost && !awaitsHead && inFlight == 0 }
    /// Whether the client has nothing to expect.
    var owesNothing: Bool { !awaitsHead && inFlight == 0 }

    func handedOn(isOnePlainRequest: Bool, at time: NIODeadline) {
        if !isAtBoundary || !isOnePlainRequest { isLost = true }
        if inFlight == 0, !awaitsHead {
            awaitsHead = true
            awaitsHeadSince = time
        }
    }

    func requestBegan() {
        awaitsHead = false
        inFlight += 1
    }

    func bodyProgressed(at time: NIODeadline) {
        lastBodyProgress = time
    }

    func responseEnded(at time: NIODeadline) {
        lastBodyProgress = nil
        lastResponseEnd = time
        inFlight = max(0, inFlight - 1)
    }

    /// Whether the client takes longer than is decent: to send a request's head, or to take a piece of a body.
    func isOverdue(_ now: NIODeadline, limit: TimeAmount) -> Bool {
        if awaitsHead { return awaitsHeadSince + limit <= now }
        return lastBodyProgress.map { $0 + limit <= now } ?? false
    }
}
