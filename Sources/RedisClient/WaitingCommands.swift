import NIOCore

/// Commands that cannot be sent yet, and how long they may wait. Does no I/O.
struct WaitingCommands {
    /// How long before its own end a command is given up.
    private let cut: TimeAmount
    private var commands: [PendingCommand] = []

    init(_ configuration: RedisConfiguration) {
        let commandTimeout = TimeAmount(configuration.commandTimeout)
        cut = commandTimeout - min(commandTimeout, TimeAmount(configuration.connectionWait))
    }

    mutating func append(_ command: PendingCommand) { commands.append(command) }

    /// When the first of them has waited for long enough.
    var nextEnd: NIODeadline? { commands.lazy.map { $0.waits(untilBeforeDeadline: cut) }.min() }

    mutating func takeAll() -> [PendingCommand] {
        defer { commands = [] }
        return commands
    }

    mutating func takeOverdue(at now: NIODeadline) -> [PendingCommand] {
        let cut = cut
        return take { $0.waits(untilBeforeDeadline: cut) <= now }
    }

    /// Those that were never sent.
    mutating func takeFresh() -> [PendingCommand] {
        take { $0.retries == 0 }
    }

    private mutating func take(where isTaken: (PendingCommand) -> Bool) -> [PendingCommand] {
        guard !commands.isEmpty else { return [] }
        let taken = commands.filter(isTaken)
        if !taken.isEmpty { commands.removeAll(where: isTaken) }
        return taken
    }
}

extension PendingCommand {
    /// One that was sent already and came back undone waits for as long as it may take.
    fileprivate func waits(untilBeforeDeadline cut: TimeAmount) -> NIODeadline {
        retries > 0 ? deadline : deadline - cut
    }
}
