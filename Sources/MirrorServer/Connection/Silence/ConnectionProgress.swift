import NIOCore

/// The progress of a connection's requests and answers, shared by all of its handlers. Belongs to one event loop.
final class ConnectionProgress {
    /// What the client's next byte belongs to.
    enum Input {
        /// A request that has not begun.
        case boundary
        /// A head, which began at this time.
        case head(since: NIODeadline)
        case body
        /// Nothing: the last request of the connection has been read, or the input was not HTTP.
        case over
    }

    private(set) var input = Input.boundary
    /// Where the body of the current request ends.
    var bodyEnd = BodyEnd.length(0)
    /// Whether a request has begun whose answer has not ended.
    private(set) var isAnswering = false
    /// When the client last sent something.
    private(set) var lastRead = NIODeadline.now()
    /// When an answer last ended: the client's silence begins then, however long ago its request was.
    private var lastAnswerEnd = NIODeadline.now()
    /// Bytes that the client had acknowledged at the last check; `nil` if the kernel does not say.
    private var acknowledged: UInt64?
    private var lastAcknowledgement = NIODeadline.now()
    /// Since when the client has read next to nothing of what is ready for it.
    private var stallsSince: NIODeadline?
    /// What it had acknowledged then.
    private var acknowledgedThen: UInt64 = 0

    /// Bytes that a client has to read within its patience if as many are ready: with a byte now and then it could hold a connection, and its
    /// buffers, for ever.
    static let leastProgress: UInt64 = 16 << 10

    var isInputOver: Bool { if case .over = input { true } else { false } }
    var isAtBoundary: Bool { if case .boundary = input { true } else { false } }
    var isInBody: Bool { if case .body = input { true } else { false } }
    /// Whether the client reads next to nothing of what is ready for it.
    var isStalled: Bool { stallsSince != nil }

    func bytesCame(at time: NIODeadline) {
        lastRead = time
    }

    func headBegan(at time: NIODeadline) {
        input = .head(since: time)
    }

    /// - Parameter bodyEnd: Where its body ends.
    func requestBegan(_ bodyEnd: BodyEnd) {
        input = .body
        self.bodyEnd = bodyEnd
        isAnswering = true
    }

    func requestEnded(isLast: Bool) {
        input = isLast ? .over : .boundary
    }

    /// A whole request waits for an answer that does not come from the handlers behind.
    func waitBegan() {
        isAnswering = true
    }

    /// No further input is read.
    func endInput() {
        input = .over
    }

    /// A piece of an answer's body was written, which happens only after the socket has accepted the previous ones. A socket accepts megabytes that
    /// the client has not read, so this counts only if the kernel says nothing about the client.
    func bodyProgressed() {
        if acknowledged == nil { stallsSince = nil }
    }

    func answerEnded(at time: NIODeadline) {
        lastAnswerEnd = time
        isAnswering = false
    }

    /// - Parameter progress: What the kernel says about the client; `nil` if it says nothing.
    /// - Parameter isFull: Whether more was written than the socket accepts now.
    func observe(_ progress: ClientProgress?, isFull: Bool, at now: NIODeadline) {
        if let progress, progress.acknowledged != acknowledged {
            acknowledged = progress.acknowledged
            lastAcknowledgement = now - progress.sinceLastAcknowledgement
        }
        guard isFull || progress?.isOwing == true else {
            stallsSince = nil
            return
        }
        let acknowledged = acknowledged ?? 0
        if stallsSince == nil || acknowledged >= acknowledgedThen + Self.leastProgress {
            (stallsSince, acknowledgedThen) = (now, acknowledged)
        }
    }

    /// When the client will have been inactive for too long while it was its turn; `nil` while it can only wait.
    ///
    /// It is the client's turn to finish a head that it has begun, to read what it was sent, and to send a request after its last answer.
    func endOfPatience(_ limit: TimeAmount) -> NIODeadline? {
        var end: NIODeadline?
        if case .head(let since) = input {
            end = since + limit
        } else if !isAnswering {
            // After its last request, nothing that it sends counts.
            end = max(isInputOver ? lastAnswerEnd : lastRead, lastAnswerEnd, lastAcknowledgement) + limit
        }
        guard let stallsSince else { return end }
        return min(end ?? .distantFuture, stallsSince + limit)
    }
}
