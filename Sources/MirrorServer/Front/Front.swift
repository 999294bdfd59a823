import Logging
import MirrorCore
import MirrorSystem
import NIOCore
import NIOPosix
import Synchronization

/// Accepts the connections of a listener and answers plain hits on them without NIO, in threads that each wait for their sockets (epoll(7)).
///
/// The first request that is anything but a plain hit passes the connection on to NIO, with all that was read and not answered. There it stays, and
/// its hits are answered by ``ConnectionHandler``: a socket that NIO has taken cannot be taken back.
final class Front: Sendable {
    enum Phase: UInt8, AtomicRepresentable {
        case running
        /// No connection is accepted any more, and those without answers to send are closed.
        case stopping
        /// All connections are cut off.
        case cancelled
    }

    /// What a connection takes up, wherever it is served; given back with the last reference.
    final class Place: Sendable {
        private let front: Front
        private let shares: AddressShares
        private let part: AddressShares.Part

        /// - Parameter front: Has reserved a connection.
        init(_ front: Front, _ shares: AddressShares, _ part: AddressShares.Part) {
            self.front = front
            self.shares = shares
            self.part = part
        }

        deinit {
            shares.giveBack(part)
            front.release()
        }
    }

    private struct State {
        var mirror: MirrorChannel?
        var polls: [EventPoll] = []
        /// One for each loop that has not begun.
        var listeners: [ListeningSocket] = []
        /// Connections that were passed on.
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    let shortage: AcceptShortage
    private let maxConnections: Int
    private let group: MultiThreadedEventLoopGroup
    private let logger: Logger
    private let count = Atomic(0)
    private let current = Atomic(Phase.running)
    private let state = Mutex(State())
    private let (openings, opening) = AsyncStream.makeStream(of: Void.self)

    /// - Parameter group: For the connections that are passed on; there are as many threads here as it has.
    init(maxConnections: Int, shortage: AcceptShortage, group: MultiThreadedEventLoopGroup, logger: Logger) {
        self.maxConnections = maxConnections
        self.shortage = shortage
        self.group = group
        self.logger = logger
    }

    /// Whether the operator tries it: it is off unless `CLOUD_MIRROR_FRONT=epoll`, until it has proved itself (decision 0041).
    static let isWanted = CurrentProcess.environmentVariable("CLOUD_MIRROR_FRONT") == "epoll"

    // MARK: Running

    /// - Parameter mirror: Serves the connections that are passed on. Called before ``open(_:)``.
    func serve(with mirror: MirrorChannel) { state.withLock { $0.mirror = mirror } }

    /// Accepts from the listener of a channel from now on, instead of the channel. Called on its event loop.
    ///
    /// - Returns: `false` if that is not possible: then the channel accepts.
    func open(_ channel: any Channel) -> Bool {
        do {
            let count = group.makeIterator().reduce(0) { sum, _ in sum + 1 }
            let polls = try (0..<count).map { _ in try EventPoll() }
            let listeners = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
                try polls.map { _ in try ListeningSocket(duplicating: socket) }
            }
            guard let listeners else { return false }
            try channel.syncOptions?.setOption(.autoRead, value: false)
            state.withLock { ($0.polls, $0.listeners) = (polls, listeners) }
        } catch {
            return false
        }
        opening.yield()
        return true
    }

    /// Returns once all connections that were not passed on have ended; only after ``stop()`` or ``cancel()``.
    func run() async {
        for await _ in openings { break }
        let (mirror, polls) = state.withLock { ($0.mirror, $0.polls) }
        guard let mirror, !polls.isEmpty else { return }
        let threads = NIOThreadPool(numberOfThreads: polls.count)
        threads.start()
        await withTaskGroup(of: Void.self) { tasks in
            for poll in polls {
                tasks.addTask {
                    // If the task is cancelled before its thread has begun, nothing was accepted there.
                    try? await threads.runIfActive { self.loop(mirror, poll)?.run() }
                }
            }
        }
        state.withLock { $0.listeners = [] }
        try? await threads.shutdownGracefully()
    }

    /// Only the loop has its listening socket, so that this is closed as soon as the loop accepts no more.
    private func loop(_ mirror: MirrorChannel, _ poll: EventPoll) -> FrontLoop? {
        state.withLock { $0.listeners.popLast() }.map { FrontLoop(self, mirror, poll, $0) }
    }

    var phase: Phase { current.load(ordering: .acquiring) }

    /// Begins to end. The connections that were passed on end as those that NIO has accepted.
    func stop() {
        _ = current.compareExchange(expected: .running, desired: .stopping, ordering: .acquiringAndReleasing)
        opening.finish()
        for channel in state.withLock({ Array($0.channels.values) }) { quiesce(channel) }
        wake()
    }

    /// Ends at once. The connections that were passed on are cut off by ``ConnectionTasks``.
    func cancel() {
        current.store(.cancelled, ordering: .releasing)
        opening.finish()
        wake()
    }

    private func wake() {
        for poll in state.withLock({ $0.polls }) { poll.wake() }
    }

    private func quiesce(_ channel: any Channel) { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }

    // MARK: Counting

    var isFull: Bool { count.load(ordering: .acquiring) >= maxConnections }

    /// Counts a connection that is about to be accepted.
    ///
    /// - Returns: `false` if there are as many as there may be.
    func reserve() -> Bool {
        if count.add(1, ordering: .acquiringAndReleasing).oldValue < maxConnections { return true }
        release()
        return false
    }

    func release() {
        // The threads accept nothing while it is full.
        if count.subtract(1, ordering: .acquiringAndReleasing).oldValue >= maxConnections { wake() }
    }

    // MARK: Passing connections on

    /// - Parameter input: What was read and not answered.
    func passOn(_ socket: ConnectedSocket, from peer: IPAddress?, _ place: Place, _ input: ByteBuffer, to mirror: MirrorChannel) {
        mirror.tasks.start {
            await self.serve(socket, from: peer, input, mirror)
            withExtendedLifetime(place) {}
        }
    }

    private func serve(_ socket: ConnectedSocket, from peer: IPAddress?, _ input: ByteBuffer, _ mirror: MirrorChannel) async {
        let bootstrap = ClientBootstrap(group: group).channelOption(.allowRemoteHalfClosure, value: true)
            // What was read here comes first.
            .channelOption(.autoRead, value: false)
        let accepted = try? await bootstrap.withConnectedSocket(socket.descriptor) { [logger] channel in
            channel.eventLoop.makeCompletedFuture {
                let accepted = try mirror.fill(channel, from: peer, logger)
                try channel.pipeline.syncOperations.addHandler(FirstRead(input), position: .first)
                return accepted
            }
        }
        // NIO has closed it.
        guard let accepted else { return }
        let channel = accepted.channel
        state.withLock { $0.channels[ObjectIdentifier(channel)] = channel }
        if phase != .running { quiesce(channel) }
        await mirror.serve(accepted, logger)
        state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}
