import MirrorCore
import MirrorStorage
import NIOCore
import StorageCloud
import Synchronization

/// The check of bytes that pass by.
final class RunningCheck: Sendable {
    private let state = Mutex(CRC32C())

    /// Of the bytes so far.
    var value: CRC32C { state.withLock { $0 } }

    func update(_ chunk: ByteBuffer) {
        chunk.withUnsafeReadableBytes { bytes in state.withLock { $0.update(bytes) } }
    }
}

/// A stream whose bytes are checked as they pass.
struct CheckedStream: AsyncSequence, Sendable {
    let base: ByteStream
    let check: RunningCheck
    /// What the check must be at the end, in base64; `nil` where nobody has said.
    var expected: String?

    struct AsyncIterator: AsyncIteratorProtocol {
        var base: ByteStream.AsyncIterator
        let stream: CheckedStream

        /// - Throws: What the stream underneath throws; ``StorageError/Code/checksumMismatch`` at an end that is not as expected.
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
