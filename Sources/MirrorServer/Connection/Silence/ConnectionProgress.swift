import NIOCore

/// How far a connection's requests and answers are, known to all of its handlers. Belongs to one event loop.
final class ConnectionProgress {
    /// What the client's next byte belongs to.
    enum Input {
        /// A request that has not begun.
        case boundary
        /// A head, whose turn came at this time.
        case head(since: NIODeadline)
        case body
        /// Nothing that is read: the last request of the connection was, as it said itself, or it was not HTTP.
        case over
    }

    private(set) var input = Input.boundary
    /// Where the body ends of the request that is being read.
    var bodyEnd = BodyEnd.length(0)
    /// Whether a request has begun whose answer has not ended.
    private(set) var isAnswering = false
    /// When the client last sent something.
    private(set) var lastRead = NIODeadline.now()
    /// When an answer last ended: the client's silence begins there, however long ago it asked.
    private var lastAnswerEnd = NIODeadline.now()
    /// Bytes that the client has acknowledged, when that was last looked at; `nil` where the kernel does not say.
    private var acknowledged: UInt64?
    private var lastAcknowledgement = NIODeadline.now()
    /// Since when the client has something to take and takes next to nothing of it, as far as is known.
    private var stallsSince: NIODeadline?
    /// What it had acknowledged then.
    private var acknowledgedThen: UInt64 = 0

    /// Bytes that a client has to take within its patience as long as there are as many: a byte now and then would hold a connection, and what
    /// is ready to be sent on it, for ever.
    static let leastProgress: UInt64 = 16 << 10

    var isInputOver: Bool { if case .over = input { true } else { false } }
    var isAtBoundary: Bool { if case .boundary = input { true } else { false } }
    var isInBody: Bool { if case .body = input { true } else { false } }
    /// Whether there is something that the client takes next to nothing of.
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

    /// A whole request waits for an answer that comes without the handlers behind.
    func waitBegan() {
        isAnswering = true
    }

    /// Nothing that comes is read any more.
    func endInput() {
        input = .over
    }

    /// A piece of an answer's body was written, which happens only when the socket has taken those before. A socket takes megabytes that no
    /// client does, so that it counts only where the kernel says nothing of the client.
    func bodyProgressed() {
        if acknowledged == nil { stallsSince = nil }
    }

    func answerEnded(at time: NIODeadline) {
        lastAnswerEnd = time
        isAnswering = false
    }

    /// - Parameter progress: What the kernel says of the client; `nil` when it says nothing.
    /// - Parameter isFull: Whether more was written than the socket takes at the moment.
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

    /// When the client has done nothing for too long of what is its turn; `nil` while all it can do is wait.
    ///
    /// Its turn is to send a head that it has begun, to take what it was sent, and to ask again when it has its answers.
    func endOfPatience(_ limit: TimeAmount) -> NIODeadline? {
        var end: NIODeadline?
        if case .head(let since) = input {
            end = since + limit
        } else if !isAnswering {
            // Behind its last request nothing that it says counts.
            end = max(isInputOver ? lastAnswerEnd : lastRead, lastAnswerEnd, lastAcknowledgement) + limit
        }
        guard let stallsSince else { return end }
        return min(end ?? .distantFuture, stallsSince + limit)
    }
}
