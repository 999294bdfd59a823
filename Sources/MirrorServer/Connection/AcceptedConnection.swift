import HummingbirdCore
import NIOCore
import Synchronization

/// A connection that is set up, and that its listener has not taken yet.
///
/// A listener that closes, or whose task is cancelled, while a connection is being set up drops that connection. Then it is closed.
final class AcceptedConnection: ServerChildChannelValue {
    let channel: any Channel
    private let isTaken = Atomic(false)

    init(_ channel: any Channel) {
        self.channel = channel
    }

    /// From now on the connection's handlers end it.
    func take() {
        isTaken.store(true, ordering: .relaxed)
    }

    deinit {
        if !isTaken.load(ordering: .relaxed) { channel.close(promise: nil) }
    }
}
