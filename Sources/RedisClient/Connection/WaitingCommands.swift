import NIOCore

/// Commands that cannot be sent yet, and how long they may wait. Lives on the event loop.
final class WaitingCommands {
    private let loop: any EventLoop
    /// How long before its deadline a command is given up.
    private let cut: TimeAmount
    private let giveUp: ([PendingCommand]) -> Void
    private var commands: [PendingCommand] = []
    /// Set for the command that is given up first.
    private var timer: (end: NIODeadline, task: Scheduled<Void>)?

    /// - Parameter giveUp: Called with the commands that have waited too long.
    init(_ context: RedisContext, giveUp: @escaping ([PendingCommand]) -> Void) {
        loop = context.loop
        let commandTimeout = TimeAmount(context.configuration.commandTimeout)
        cut = commandTimeout - min(commandTimeout, TimeAmount(context.configuration.connectionWait))
        self.giveUp = giveUp
    }

    func append(_ command: PendingCommand) {
        commands.append(command)
        setTimer(for: command.waits(untilBeforeDeadline: cut))
    }

    func takeAll() -> [PendingCommand] {
        timer?.task.cancel()
        timer = nil
        defer { commands = [] }
        return commands
    }

    /// The commands that were never sent.
    func takeFresh() -> [PendingCommand] {
        take { $0.retries == 0 }
    }

    private func take(where isTaken: (PendingCommand) -> Bool) -> [PendingCommand] {
        guard !commands.isEmpty else { return [] }
        let taken = commands.filter(isTaken)
        if !taken.isEmpty { commands.removeAll(where: isTaken) }
        return taken
    }

    private func setTimer(for end: NIODeadline) {
        if let timer {
            guard end < timer.end else { return }
            timer.task.cancel()
        }
        timer = (end, loop.assumeIsolated().scheduleTask(deadline: end) { [weak self] in self?.timeIsUp() })
    }

    private func timeIsUp() {
        timer = nil
        let (cut, now) = (cut, loop.now)
        let overdue = take { $0.waits(untilBeforeDeadline: cut) <= now }
        if let next = commands.lazy.map({ $0.waits(untilBeforeDeadline: cut) }).min() { setTimer(for: next) }
        giveUp(overdue)
    }
}

extension PendingCommand {
    /// A command that was sent without being carried out may wait until its deadline.
    fileprivate func waits(untilBeforeDeadline cut: TimeAmount) -> NIODeadline {
        retries > 0 ? deadline : deadline - cut
    }
}
