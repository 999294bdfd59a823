import Hummingbird
import HummingbirdCore
import MirrorEngine
import NIOCore
import Synchronization

/// A connection that is set up and waits to be handled. One that nobody comes to handle is closed.
///
/// A listener that closes while a connection is being set up drops it, and so does one whose task is cancelled. NIO then ends the process,
/// because the connection's writer goes away without having been finished (swift-nio issue 2813). Closing a connection finishes its writer,
/// so this keeps it until then.
final class AcceptedConnection: ServerChildChannelValue {
    let client: ClientPresence
    private let connection: HTTP1Channel.Value
    private let isTaken = Atomic(false)

    init(_ connection: HTTP1Channel.Value, of client: ClientPresence) {
        self.client = client
        self.connection = connection
    }

    var channel: any Channel { connection.channel }

    /// For who handles the connection, and sees to its end from now on.
    func take() -> HTTP1Channel.Value {
        isTaken.store(true, ordering: .relaxed)
        return connection
    }

    deinit {
        guard !isTaken.load(ordering: .relaxed) else { return }
        let connection = connection
        connection.channel.closeFuture.whenComplete { _ in withExtendedLifetime(connection) {} }
        connection.channel.close(promise: nil)
    }
}
