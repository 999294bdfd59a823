import NIOCore

/// The replies that a connection owes, in their order, and whether they come in time. Does no I/O.
struct ReplyQueue {
    struct Limits {
        var command: TimeAmount
        var stall: TimeAmount
        var ping: TimeAmount
    }

    /// What the next reply is to be.
    enum Expected {
        case command(PendingCommand)
        /// The caller was told already that it did not come.
        case abandoned(cost: Int)
        /// Nobody looks at it.
        case ignored
        /// One push for each of the channels; a reply instead is a refusal.
        case subscription(Set<String>)
    }

    /// What is to be done at a time.
    struct Verdict {
        /// Their callers are to be told.
        var timedOut: [PendingCommand] = []
        /// A sign of life is to be asked for.
        var wantsPing = false
        /// The connection is to be given up.
        var isStalled = false
        /// When to look again.
        var next: NIODeadline
    }

    private struct Item {
        var expected: Expected
        var sentAt: NIODeadline
        /// From when on the reply is overdue.
        var due: NIODeadline
    }

    private let limits: Limits
    private var items = CircularBuffer<Item>(initialCapacity: 64)
    private var lastBytes: NIODeadline
    /// No byte has come for longer than a command may take, though a reply is due.
    private(set) var isOverdue = false

    init(limits: Limits, now: NIODeadline) {
        self.limits = limits
        lastBytes = now
    }

    var isEmpty: Bool { items.isEmpty }

    mutating func append(_ expected: Expected, now: NIODeadline) {
        var due = now + limits.command
        if case .command(let command) = expected {
            // As soon as its caller is told; but one that waited long before it was sent says little about the server.
            due = min(due, max(command.deadline, now + .nanoseconds(limits.command.nanoseconds / 4 * 3)))
        }
        items.append(Item(expected: expected, sentAt: now, due: due))
    }

    mutating func popFirst() -> Expected? {
        items.popFirst()?.expected
    }

    /// A subscription that is the next thing to be answered is in force for a channel.
    mutating func subscribed(to channel: String) {
        guard case .subscription(var missing) = items.first?.expected else { return }
        missing.remove(channel)
        if missing.isEmpty { items.removeFirst() } else { items[items.startIndex].expected = .subscription(missing) }
    }

    /// - Returns: Whether the connection answers again.
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
