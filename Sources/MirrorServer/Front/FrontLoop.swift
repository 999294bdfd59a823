import MirrorCore
import MirrorSystem
import NIOCore

/// One thread of a ``Front``: accepts connections, answers plain hits on them, and passes connections on that ask for anything else.
///
/// A hit costs one read and one write. Whatever a client sends, its connection keeps no more than one read and one batch of answers.
final class FrontLoop {
    /// Bytes that are read at a time, into a buffer that all connections share.
    private static let readLength = 16_384
    /// A head in more pieces is for NIO's parser.
    static let maxPieces = 8
    /// Connections accepted in one turn; further ones may be for other threads.
    private static let connectionsPerTurn = 16
    /// How often each connection is checked within the idle timeout, and into how many parts the connections are divided for that.
    private static let checks = 8

    private let front: Front
    private let mirror: MirrorChannel
    private let poll: EventPoll
    /// `nil` once nothing more is accepted.
    private var listener: ListeningSocket?
    private var fastPath: FastPath
    /// When the events of this turn were reported.
    private var now: FastPath.Moment
    private var input = ByteBuffer()
    /// By descriptor.
    private var connections: [FrontConnection?] = []
    private var count = 0
    private var isAccepting = false
    /// Nothing is accepted until then, because descriptors are short.
    private var pauseEnd: NIODeadline?
    private var nextCheck: NIODeadline
    /// The part of the connections that is checked next.
    private var part = 0

    init(_ front: Front, _ mirror: MirrorChannel, _ poll: EventPoll, _ listener: ListeningSocket) {
        self.front = front
        self.mirror = mirror
        self.poll = poll
        self.listener = listener
        fastPath = FastPath(
            table: mirror.table, uses: mirror.uses, clock: mirror.clock, maxHeadLength: mirror.maxHeaderBytes,
            readsTraces: mirror.readsTraces,
            on: poll)
        now = fastPath.now
        nextCheck = now.instant
    }

    /// Returns after ``Front/stop()`` once all answers have been sent or given up, and at once after ``Front/cancel()``.
    func run() {
        var list = EventPoll.List()
        while follow(front.phase) {
            poll.wait(for: &list, milliseconds: timeout)
            now = fastPath.now
            list.forEach(handle)
            if nextCheck <= now.instant { check() }
        }
    }

    /// Milliseconds until there is something to do without an event.
    private var timeout: CInt {
        let end = min(nextCheck, pauseEnd ?? .distantFuture)
        return CInt(clamping: max(0, (end - now.instant).nanoseconds / 1_000_000 + 1))
    }

    private func handle(_ descriptor: CInt, _ events: EventPoll.Events) {
        if descriptor == listener?.descriptor { return accept() }
        // A connection that was ended by an earlier event has none.
        guard connections.indices.contains(Int(descriptor)), let connection = connections[Int(descriptor)] else { return }
        if connection.isBlocked {
            if events.contains(.write) { send(connection) }
        } else if connection.progress.isInputOver {
            drop(connection)
        } else {
            receive(connection)
        }
    }

    /// - Returns: Whether there is anything left to do.
    private func follow(_ phase: Front.Phase) -> Bool {
        if phase != .running, listener != nil {
            updateAccepting(false)
            listener = nil
            // As with NIO: no request is in progress, and answers are still sent.
            for case let connection? in connections {
                if connection.isBlocked { connection.progress.endInput() } else { close(connection) }
            }
        }
        if phase == .cancelled { for case let connection? in connections { close(connection, dropping: true) } }
        if let pauseEnd, pauseEnd <= now.instant { self.pauseEnd = nil }
        updateAccepting(pauseEnd == nil && !front.isFull)
        return listener != nil || count > 0
    }

    // MARK: The beginning and the end of connections

    private func updateAccepting(_ isWanted: Bool) {
        guard let listener, isWanted != isAccepting else { return }
        if isWanted {
            isAccepting = poll.add(listener.descriptor, .read, isShared: true)
        } else {
            poll.remove(listener.descriptor)
            isAccepting = false
        }
    }

    private func accept() {
        guard let listener else { return }
        for _ in 0..<Self.connectionsPerTurn {
            guard front.reserve() else { return }
            do throws(Errno) {
                let (socket, peer) = try listener.accept()
                begin(socket, peer)
            } catch {
                front.release()
                guard AcceptShortage.isReason(error) else { return }
                pauseEnd = now.instant + AcceptShortage.pause
                return front.shortage.report(error)
            }
        }
    }

    private func begin(_ socket: ConnectedSocket, _ peer: IPAddress?) {
        guard let share = mirror.shares.take(from: peer) else {
            socket.close()
            return front.release()
        }
        // Gives back what the connection takes up.
        let place = Front.Place(front, mirror.shares, share)
        socket.limit(receiveBuffer: MirrorChannel.receiveBuffer, unsent: MirrorChannel.unsent)
        guard poll.add(socket.descriptor, .read) else { return socket.close() }
        let index = Int(socket.descriptor)
        if index >= connections.count { connections += Array(repeating: nil, count: index + 1 - connections.count) }
        connections[index] = FrontConnection(
            socket, from: peer, place, PoolChooser(peer: peer, pools: mirror.pools, selector: mirror.selector))
        count += 1
    }

    private func close(_ connection: FrontConnection, dropping: Bool = false) {
        forget(connection)
        connection.socket.close(dropping: dropping)
    }

    private func forget(_ connection: FrontConnection) {
        connections[Int(connection.socket.descriptor)] = nil
        count -= 1
    }

    /// NIO serves the connection from now on, beginning with the rest of ``input``.
    private func passOn(_ connection: FrontConnection) {
        poll.remove(connection.socket.descriptor)
        forget(connection)
        front.passOn(connection.socket, from: connection.peer, connection.place, ByteBuffer(bytes: input.readableBytesView), to: mirror)
    }

    /// Ends connections whose clients have been inactive for too long while it was their turn.
    private func check() {
        nextCheck = now.instant + .nanoseconds(mirror.idleTimeout.nanoseconds / Int64(Self.checks * Self.checks))
        part = (part + 1) % Self.checks
        for index in stride(from: part, to: connections.count, by: Self.checks) {
            guard let connection = connections[index] else { continue }
            let progress = connection.progress
            progress.observe(ClientProgress.read(from: connection.socket), isFull: connection.isBlocked, at: now.instant)
            if let end = progress.endOfPatience(mirror.idleTimeout), end <= now.instant { close(connection, dropping: progress.isStalled) }
        }
    }

    // MARK: Requests and answers

    private func receive(_ connection: FrontConnection) {
        takeInput(connection)
        var failure: Errno?
        let length = input.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.readLength) { space in
            do throws(Errno) {
                return try connection.socket.receive(UnsafeMutableRawBufferPointer(rebasing: space[..<Self.readLength]))
            } catch {
                failure = error
                return 0
            }
        }
        if let failure {
            return failure == .wouldBlock ? keepInput(connection) : close(connection)
        }
        if length > 0 { connection.progress.bytesCame(at: now.instant) } else { connection.isInputClosed = true }
        proceed(connection)
    }

    /// The last request was answered: reads what comes nevertheless, so that the kernel does not drop the answer.
    private func drop(_ connection: FrontConnection) {
        input.clear(minimumCapacity: Self.readLength)
        let length = input.withUnsafeMutableWritableBytes { space in
            do throws(Errno) { return try connection.socket.receive(space) } catch { return error == .wouldBlock ? 1 : 0 }
        }
        if length == 0 { close(connection) }
    }

    /// Sends answers that the kernel did not accept at first.
    private func send(_ connection: FrontConnection) {
        let length = connection.output.withUnsafeReadableBytes { bytes in
            do throws(Errno) { return try connection.socket.send(bytes) } catch { return error == .wouldBlock ? 0 : -1 }
        }
        guard length >= 0 else { return close(connection) }
        connection.output.moveReaderIndex(forwardBy: length)
        guard !connection.isBlocked else { return }
        connection.output = ByteBuffer()
        takeInput(connection)
        proceed(connection)
    }

    /// Answers what is in ``input``, as far as the client reads the answers.
    private func proceed(_ connection: FrontConnection) {
        let progress = connection.progress
        while input.readableBytes > 0, !progress.isInputOver, !connection.isBlocked {
            let next = fastPath.answer(&input, &connection.chooser, at: now)
            write(connection)
            switch next {
            case .pause: break
            case .end: progress.requestEnded(isLast: true)
            case .plain, .other:
                // It keeps its place behind the answers.
                if connection.isBlocked { break }
                guard isCut(connection) else { return passOn(connection) }
                if connection.pieces == 0 { progress.headBegan(at: now.instant) }
                connection.pieces += 1
                keepInput(connection)
                return listen(connection, for: .read)
            }
        }
        if connection.isBlocked {
            keepInput(connection)
            listen(connection, for: .write)
        } else if connection.isInputClosed {
            close(connection)
        } else {
            if progress.isInputOver { connection.socket.endOutput() }
            listen(connection, for: .read)
        }
    }

    /// Whether the input may become a plain request. Each piece is scanned together with those before it, so they are few.
    private func isCut(_ connection: FrontConnection) -> Bool {
        connection.pieces < Self.maxPieces - 1 && !connection.isInputClosed && input.withUnsafeReadableBytes(RequestScanner.isBeginning)
    }

    private func write(_ connection: FrontConnection) {
        var isAnswered = false
        let rest = fastPath.writeAnswers { bytes in
            isAnswered = true
            // What else can go wrong is reported as an event.
            do throws(Errno) { return try connection.socket.send(bytes) } catch { return 0 }
        }
        if let rest { connection.output = rest }
        guard isAnswered else { return }
        if connection.pieces > 0 {
            connection.pieces = 0
            connection.progress.requestEnded(isLast: false)
        }
        connection.progress.answerEnded(at: now.instant)
    }

    private func takeInput(_ connection: FrontConnection) {
        input.clear(minimumCapacity: Self.readLength)
        guard connection.input.readableBytes > 0 else { return }
        input.writeBuffer(&connection.input)
        connection.input = ByteBuffer()
    }

    private func keepInput(_ connection: FrontConnection) {
        guard !connection.progress.isInputOver, input.readableBytes > 0 else { return }
        connection.input = ByteBuffer(bytes: input.readableBytesView)
    }

    private func listen(_ connection: FrontConnection, for events: EventPoll.Events) {
        guard connection.events != events else { return }
        connection.events = events
        poll.change(connection.socket.descriptor, to: events)
    }
}
