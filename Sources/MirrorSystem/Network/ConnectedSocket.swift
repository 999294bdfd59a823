import CLibrary
import CProcess
package import MirrorCore

/// A listening socket that is opened and closed by other code.
package final class ListeningSocket: Sendable {
    package let descriptor: CInt

    /// - Parameter descriptor: Of a non-blocking socket.
    package init(duplicating descriptor: CInt) throws(Errno) {
        self.descriptor = try Descriptor.duplicate(descriptor)
    }

    deinit {
        close(descriptor)
    }

    /// Accepts a connection, without waiting for one.
    ///
    /// - Returns: The connection and its other end's address, if that is an IP address.
    /// - Throws: ``Errno/wouldBlock`` if there is none.
    package func accept() throws(Errno) -> (socket: ConnectedSocket, peer: IPAddress?) {
        var (address, length) = ([UInt8](repeating: 0, count: 16), CInt(0))
        let accepted = try retryingInterrupts {
            address.withUnsafeMutableBufferPointer { c_socket_accept(descriptor, $0.baseAddress, &length) }
        }
        return (ConnectedSocket(descriptor: accepted), IPAddress(bytes: Array(address.prefix(Int(length))))?.unmapped)
    }
}

/// A connection without NIO, on a non-blocking socket. The socket is not closed with this value, which only names it.
package struct ConnectedSocket: Sendable {
    package let descriptor: CInt

    /// - Parameter descriptor: Of a non-blocking socket.
    package init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    /// - Parameter receiveBuffer: Bytes that the kernel is told to buffer while nothing is read.
    /// - Parameter unsent: Unsent bytes that it accepts.
    package func limit(receiveBuffer: Int, unsent: Int) {
        c_socket_limit(descriptor, CInt(clamping: receiveBuffer), CInt(clamping: unsent))
    }

    /// - Returns: The number of bytes read; 0 if the other end sends no more.
    /// - Throws: ``Errno/wouldBlock`` if there is nothing to read now.
    package func receive(_ buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try retryingInterrupts { c_socket_receive(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// - Returns: The number of bytes that the kernel accepted, perhaps not all.
    /// - Throws: ``Errno/wouldBlock`` if it accepts none now.
    package func send(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        try retryingInterrupts { c_socket_send(descriptor, bytes.baseAddress, bytes.count) }
    }

    /// Tells the peer that no more bytes will follow.
    package func endOutput() { c_socket_end_output(descriptor) }

    /// - Parameter dropping: Whether the kernel drops what it has not sent, instead of keeping it for minutes.
    package func close(dropping: Bool = false) {
        if dropping { c_socket_reset_on_close(descriptor) }
        systemClose(descriptor)
    }

    /// The first 64 words of `struct tcp_info` (linux/tcp.h); those that the kernel does not know are 0.
    ///
    /// - Returns: `nil` if it is not a TCP socket.
    package func information() -> [UInt32]? {
        var words = [UInt32](repeating: 0, count: 64)
        return words.withUnsafeMutableBufferPointer { c_socket_information(descriptor, $0.baseAddress, $0.count) } ? words : nil
    }
}
