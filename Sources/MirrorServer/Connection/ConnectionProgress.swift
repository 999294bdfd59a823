import NIOCore

/// How far a connection's requests and answers are, known to the handlers on both sides of the HTTP decoder. Belongs to one event loop.
final class ConnectionProgress {
    /// An offer of another protocol in the request that is being read.
    enum Offer {
        case none, open
        /// It ended with its request.
        case over
    }

    /// Requests that the slow path has begun to read and not finished answering.
    private var inFlight = 0
    /// Bytes were handed on whose request the decoder has not announced yet.
    private var awaitsHead = false
    private var awaitsHeadSince = NIODeadline.now()
    /// When the slow path last ended an answer: the client's silence begins there, however long ago it asked.
    private var lastResponseEnd = NIODeadline.now()
    /// Where requests begin is no longer known.
    private var isLost = false
    /// Bytes that the client has acknowledged, when that was last looked at.
    private var acknowledged: UInt64 = 0
    private var lastAcknowledgement = NIODeadline.now()
    /// Since when the client has something to take and takes nothing of it, as far as is known.
    private var stallsSince: NIODeadline?
    var offer = Offer.none
    /// Whether the last request of the connection was read, as it said itself.
    private(set) var isInputOver = false

    /// Whether the next byte begins a request, and nothing before it is unanswered.
    var isAtBoundary: Bool { !isLost && !awaitsHead && inFlight == 0 }

    func handedOn(isOnePlainRequest: Bool, at time: NIODeadline) {
        if !isAtBoundary || !isOnePlainRequest { isLost = true }
        if inFlight == 0, !awaitsHead, !isInputOver {
            awaitsHead = true
            awaitsHeadSince = time
        }
    }

    func requestBegan(offersProtocol: Bool) {
        awaitsHead = false
        inFlight += 1
        offer = offersProtocol ? .open : .none
    }

    func requestEnded(isLast: Bool) {
        if offer == .open { offer = .over }
        if isLast { isInputOver = true }
    }

    /// A piece of a body was written, which happens only when the socket has taken those before.
    func bodyProgressed() {
        stallsSince = nil
    }

    func responseEnded(at time: NIODeadline) {
        lastResponseEnd = time
        inFlight = max(0, inFlight - 1)
    }

    /// - Parameter progress: What the kernel says of the client; `nil` when it says nothing.
    /// - Parameter isFull: Whether more was written than the socket takes at the moment.
    func observe(_ progress: ClientProgress?, isFull: Bool, at now: NIODeadline) {
        if let progress, progress.acknowledged != acknowledged {
            acknowledged = progress.acknowledged
            lastAcknowledgement = now - progress.sinceLastAcknowledgement
            stallsSince = nil
        }
        stallsSince = isFull || progress?.isOwing == true ? stallsSince ?? now : nil
    }

    /// When the client has done nothing for too long of what is its turn; `nil` while all it can do is wait.
    ///
    /// Its turn is to send a head that it has begun, to take what it was sent, and to ask again when it has its answers.
    ///
    /// - Parameter lastRead: When it last sent something.
    func endOfPatience(_ limit: TimeAmount, lastRead: NIODeadline) -> NIODeadline? {
        var end: NIODeadline?
        if awaitsHead {
            end = awaitsHeadSince + limit
        } else if inFlight == 0 {
            // Behind its last request nothing that it says counts.
            end = max(isInputOver ? lastResponseEnd : lastRead, lastResponseEnd, lastAcknowledgement) + limit
        }
        guard let stallsSince else { return end }
        return min(end ?? .distantFuture, stallsSince + limit)
    }
}
