import Hummingbird
import HummingbirdCore
import MirrorCore
import NIOCore
import Synchronization

/// A connection that is set up and waits to be handled. If nothing handles it, it is closed.
///
/// A listener that closes, or whose task is cancelled, while a connection is being set up drops that connection. NIO then ends the process,
/// because the connection's writer is deinitialised without having been finished (swift-nio issue 2813). Closing a connection finishes its
/// writer, so this type keeps the writer until then.
final class AcceptedConnection: ServerChildChannelValue {
    let client: ClientPresence
    private let connection: HTTP1Channel.Value
    private let isTaken = Atomic(false)

    init(_ connection: HTTP1Channel.Value, of client: ClientPresence) {
        self.client = client
        self.connection = connection
    }

    var channel: any Channel { connection.channel }

    /// For the handler of the connection, which has to end it from now on.
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
