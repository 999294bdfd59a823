import MirrorStorage
import NIOCore

extension ByteStream {
    /// A stream that can be read once, as one from a connection.
    static func arriving(_ bytes: ByteBuffer) -> ByteStream {
        ByteStream(
            AsyncStream { continuation in
                continuation.yield(bytes)
                continuation.finish()
            })
    }
}
