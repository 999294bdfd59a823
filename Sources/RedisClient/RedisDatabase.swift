package import Logging
package import NIOCore
import NIOSSL

/// A Redis server, or the servers of a cluster: keeps connections to them, sends each command to the server that has its key, and recovers from
/// fail-overs, moved slots and lost scripts.
///
/// The commands of all tasks share one connection to a server and are sent in batches (pipelining), so a command must not block on the server
/// (`BLPOP`, `XREAD BLOCK`). As long as the client is open it reconnects, with growing pauses. Calls are not interrupted when their task is
/// cancelled; they end within the timeouts of the configuration. It must be closed before the event loops end.
package final class RedisDatabase: Sendable {
    package typealias EventHandler = @Sendable (RedisEvent) -> Void

    /// The maximum size of unsent and unanswered commands, in bytes.
    private static let maxBytes = 256 << 20

    private let context: RedisContext
    private let topology: NIOLoopBoundBox<(any RedisTopology)?>

    /// Starts to connect, without waiting for it.
    ///
    /// - Parameter onEvent: Called on the event loop: must be quick, and must not block.
    package init(
        _ configuration: RedisConfiguration, group: any EventLoopGroup, logger: Logger = Logger(label: "cloud-mirror.redis"),
        onEvent: @escaping EventHandler = { _ in }
    ) {
        let loop = group.next()
        let outbox = Outbox(maxCommands: configuration.maxCommands, maxBytes: Self.maxBytes)
        var tls: NIOSSLContext?
        var tlsError: (any Error)?
        if let settings = configuration.tls {
            do { tls = try NIOSSLContext(configuration: settings) } catch { tlsError = error }
        }
        context = RedisContext(
            configuration: configuration, loop: loop, tls: tls, outbox: outbox, status: RedisStatus(), logger: logger, onEvent: onEvent)
        topology = .makeEmptyBox(eventLoop: loop)
        if let tlsError {
            // If TLS is requested, never connect without it.
            logger.error("the TLS settings for Redis cannot be used", metadata: ["reason": "\(tlsError)"])
            outbox.refuse(RedisError(.notConnected, "the TLS settings for Redis cannot be used"))
            return
        }
        loop.execute { [context, topology] in
            let created: any RedisTopology =
                switch context.configuration.topology {
                case .single, .sentinel: MasterTopology(context)
                case .cluster: ClusterTopology(context)
                }
            topology.value = created
            created.start()
        }
    }

    /// Whether commands can be sent now: connected, to a cluster with all of its slots, and no answer is overdue.
    package var isConnected: Bool { context.status.current.isConnected }

    /// Whether the servers report changed keys; if they refuse to, no ``RedisEvent/invalidated(keys:)`` is sent for keys that are read.
    package var isTracking: Bool { context.status.current.isTracking }

    /// - Parameter isTracked: Whether the server is to report (``RedisEvent/invalidated(keys:)``) later changes of the key that is read.
    package func execute(_ command: RedisCommand, isTracked: Bool = false) async throws(RedisError) -> RedisValue {
        try await answer(to: command, script: nil, isTracked: isTracked)
    }

    /// Sends commands together, of which each is carried out by itself.
    ///
    /// - Parameter commands: Each with whether the server is to report (``RedisEvent/invalidated(keys:)``) later changes of the key that is read.
    /// - Parameter limit: How long they may take, if that is less than ``RedisConfiguration/commandTimeout``; `nil` for just that.
    /// - Returns: The answers, in the order of the commands.
    /// - Throws: The error of the first one that has one, after all are answered.
    package func execute(
        together commands: [(command: RedisCommand, isTracked: Bool)], within limit: Duration? = nil
    ) async throws(RedisError) -> [RedisValue] {
        let answers = await answers(to: commands, within: limit)
        for case .error(let error) in answers { throw error }
        return answers
    }

    /// The same, with a ``RedisValue/error(_:)`` for each command that has no proper answer.
    package func answers(
        to commands: [(command: RedisCommand, isTracked: Bool)], within limit: Duration? = nil
    ) async -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        let result = await withAnswerContinuation { continuation in
            let answers = AnswerList(commands.count, continuation)
            let timeout = context.configuration.commandTimeout
            let deadline = NIODeadline.now() + TimeAmount(min(limit ?? timeout, timeout))
            let pending = commands.indices.map { index in
                PendingCommand(
                    command: commands[index].command, script: nil, isTracked: commands[index].isTracked, deadline: deadline,
                    answer: .item(answers, index: index))
            }
            let (refused, wakes) = context.outbox.submit(pending)
            for (index, error) in refused { pending[index].answer(.failure(error)) }
            if wakes { wake() }
        }
        guard case .success(.array(let answers)) = result else { return [] }
        return answers
    }

    /// - Parameter keys: At least one; in a cluster, all in one slot.
    package func evaluate(_ script: RedisScript, keys: [String], arguments: [RedisWord] = []) async throws(RedisError) -> RedisValue {
        var words: [RedisWord] = []
        words.reserveCapacity(3 + keys.count + arguments.count)
        words.append("EVALSHA")
        words.append(.text(script.digest))
        words.append(.integer(Int64(keys.count)))
        for key in keys { words.append(.text(key)) }
        words.append(contentsOf: arguments)
        return try await answer(to: RedisCommand(words, key: keys.first), script: script, isTracked: false)
    }

    /// Closes the connections; calls in progress and later ones throw.
    package func close() async {
        context.outbox.close()
        await withCheckedContinuation { continuation in
            context.loop.execute { [context, topology] in
                context.outbox.fail(context.outbox.take().commands, .closed)
                guard let open = topology.value else { return continuation.resume() }
                topology.value = nil
                open.close {
                    // The topology is kept until its sockets are closed.
                    topology.eventLoop.execute { continuation.resume() }
                }
            }
        }
    }

    private func answer(to command: RedisCommand, script: RedisScript?, isTracked: Bool) async throws(RedisError) -> RedisValue {
        let result = await withAnswerContinuation { continuation in
            submit(
                PendingCommand(
                    command: command, script: script, isTracked: isTracked,
                    deadline: .now() + TimeAmount(context.configuration.commandTimeout), answer: .task(continuation)))
        }
        return try result.get()
    }

    private func submit(_ command: PendingCommand) {
        switch context.outbox.submit(command) {
        case .refused(let error): command.answer(.failure(error))
        case .accepted(let wakes): if wakes { wake() }
        }
    }

    /// Lets the event loop take what was submitted.
    private func wake() {
        // Not the whole context: to copy its configuration costs more than a command.
        context.loop.execute { [outbox = context.outbox, topology] in
            let batch = outbox.take()
            if let topology = topology.value {
                topology.submit(batch)
            } else {
                outbox.fail(batch.commands, .closed)
            }
        }
    }
}
