import MirrorCore
import MirrorSystem
import NIOCore

/// A connection of a ``FrontLoop``, and of its thread.
final class FrontConnection {
    let socket: ConnectedSocket
    let peer: IPAddress?
    let place: Front.Place
    let progress = ConnectionProgress()
    var chooser: PoolChooser
    /// Bytes that wait until the client has read its answers or, if a head comes in pieces, for the next one.
    var input = ByteBuffer()
    /// How many pieces of the head that ``input`` begins with have come; 0 if it is not known to be cut.
    var pieces = 0
    /// Answers that the kernel has not accepted.
    var output = ByteBuffer()
    /// Whether the client sends no more.
    var isInputClosed = false
    /// What is waited for.
    var events = EventPoll.Events.read

    init(_ socket: ConnectedSocket, from peer: IPAddress?, _ place: Front.Place, _ chooser: PoolChooser) {
        self.socket = socket
        self.peer = peer
        self.place = place
        self.chooser = chooser
    }

    /// Whether the client has to read before it is answered further.
    var isBlocked: Bool { output.readableBytes > 0 }
}
