import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import Synchronization

/// The CRC-32C of the bytes that have passed.
final class RunningCheck: Sendable {
    private let state = Mutex(CRC32C())

    /// The checksum of the bytes so far.
    var value: CRC32C { state.withLock { $0 } }

    func update(_ chunk: ByteBuffer) {
        chunk.withUnsafeReadableBytes { bytes in state.withLock { $0.update(bytes) } }
    }
}

/// A stream that computes the CRC-32C of its bytes, and can compare it at the end.
struct CheckedStream: AsyncSequence, Sendable {
    let base: ByteStream
    let check: RunningCheck
    /// The expected checksum in base64; `nil` if none is known.
    var expected: String?

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: ByteStream.AsyncIterator
        let stream: CheckedStream

        /// - Throws: What the stream underneath throws; ``StorageError/Code/checksumMismatch`` at the end if it is not the expected one.
        mutating func next() async throws -> ByteBuffer? {
            if let chunk = try await base.next() {
                stream.check.update(chunk)
                return chunk
            }
            if let expected = stream.expected, Base64.encode(stream.check.value.bytes) != expected {
                throw CloudErrors.gcs.error(.checksumMismatch, "what arrived is not what the service has", "get")
            }
            return nil
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator(), stream: self) }
}
