import NIOCore

/// The replies that a connection still has to get, in order, and whether they arrive in time. Does no I/O.
struct ReplyQueue {
    struct Limits {
        var command: TimeAmount
        var stall: TimeAmount
        var ping: TimeAmount
    }

    /// What the next reply is for.
    enum Expected {
        case command(PendingCommand)
        /// The caller has already got an error.
        case abandoned(cost: Int)
        /// The reply is not used.
        case ignored
        /// One push for each of the channels is expected; a reply instead is a refusal.
        case subscription(Set<String>)
    }

    /// The result of a check.
    struct Verdict {
        /// Commands whose callers get an error now.
        var timedOut: [PendingCommand] = []
        /// Whether to send a PING.
        var wantsPing = false
        /// Whether to give up the connection.
        var isStalled = false
        /// When to check again.
        var next: NIODeadline
    }

    private struct Item {
        var expected: Expected
        var sentAt: NIODeadline
        /// When the reply becomes overdue.
        var due: NIODeadline
    }

    private let limits: Limits
    private var items = CircularBuffer<Item>(initialCapacity: 64)
    private var lastBytes: NIODeadline
    /// Whether no byte has arrived for longer than a command may take, although a reply is due.
    private(set) var isOverdue = false

    init(limits: Limits, now: NIODeadline) {
        self.limits = limits
        lastBytes = now
    }

    var isEmpty: Bool { items.isEmpty }

    mutating func append(_ expected: Expected, now: NIODeadline) {
        var due = now + limits.command
        if case .command(let command) = expected {
            // When its caller gets an error; but a command that waited long before it was sent says little about the server.
            due = min(due, max(command.deadline, now + .nanoseconds(limits.command.nanoseconds / 4 * 3)))
        }
        items.append(Item(expected: expected, sentAt: now, due: due))
    }

    mutating func popFirst() -> Expected? {
        items.popFirst()?.expected
    }

    /// If a subscription is the next thing to be answered, it is now in force for this channel.
    mutating func subscribed(to channel: String) {
        guard case .subscription(var missing) = items.first?.expected else { return }
        missing.remove(channel)
        if missing.isEmpty { items.removeFirst() } else { items[items.startIndex].expected = .subscription(missing) }
    }

    /// - Returns: Whether the connection answers again after it was overdue.
    mutating func bytesCame(at now: NIODeadline) -> Bool {
        lastBytes = now
        defer { isOverdue = false }
        return isOverdue
    }

    mutating func check(at now: NIODeadline) -> Verdict {
        guard let oldest = items.first else {
            isOverdue = false
            let ping = lastBytes + limits.ping
            return ping <= now ? Verdict(wantsPing: true, next: now + limits.command) : Verdict(next: ping)
        }
        let quietSince = max(lastBytes, oldest.sentAt)
        let overdueFrom = lastBytes > oldest.sentAt ? max(oldest.due, lastBytes + limits.command) : oldest.due
        isOverdue = now >= overdueFrom
        var verdict = Verdict(next: isOverdue ? quietSince + limits.stall : overdueFrom)
        verdict.isStalled = now - quietSince >= limits.stall
        for index in items.indices {
            guard case .command(let command) = items[index].expected else { continue }
            if command.deadline <= now {
                verdict.timedOut.append(command)
                items[index].expected = .abandoned(cost: command.cost)
            } else {
                verdict.next = min(verdict.next, command.deadline)
            }
        }
        return verdict
    }
}
