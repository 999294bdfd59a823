import MirrorCore
import NIOCore

/// What the service has of a resumable upload, and the bytes that are kept until it has them. Does no I/O.
///
/// - SeeAlso: Cloud Storage, "Perform resumable uploads".
struct ResumableProgress: Sendable {
    /// The length of every chunk but the last is a multiple of this many bytes.
    static let granularity = 256 << 10
    /// Bytes of a chunk, which are kept until the service has them.
    static let chunkSize = 8 << 20

    /// What is to be sent.
    struct Chunk: Sendable, Equatable {
        /// `bytes 0-262143/*`
        var range: String
        var bytes: ByteBuffer
    }

    /// The service has lost bytes that are no longer kept here.
    struct Lost: Error {}

    /// Bytes that the service has.
    private(set) var stored: Int64 = 0
    /// The bytes after those.
    private var held = ByteBuffer()
    /// Whether ``held`` contains all remaining bytes.
    private(set) var isEnded = false

    /// The number of bytes so far.
    var count: Int64 { stored + Int64(held.readableBytes) }

    mutating func take(_ chunk: ByteBuffer) {
        var chunk = chunk
        held.writeBuffer(&chunk)
    }

    mutating func end() { isEnded = true }

    /// The next chunk; `nil` if more bytes are needed first.
    ///
    /// At least one byte is kept back until the end, because the last chunk states the total length. If the service has all bytes already and does not know
    /// that they are all, the last chunk is empty.
    var next: Chunk? {
        if isEnded, held.readableBytes == 0 { return Chunk(range: "bytes */\(count)", bytes: ByteBuffer()) }
        let length: Int
        if isEnded, held.readableBytes <= Self.chunkSize {
            length = held.readableBytes
        } else {
            guard held.readableBytes > Self.chunkSize else { return nil }
            length = Self.chunkSize
        }
        guard let bytes = held.getSlice(at: held.readerIndex, length: length) else { return nil }
        let isLast = isEnded && length == held.readableBytes
        return Chunk(range: "bytes \(stored)-\(stored + Int64(length) - 1)/\(isLast ? "\(count)" : "*")", bytes: bytes)
    }

    /// Records what the service has.
    ///
    /// - Parameter range: The `Range` field of its answer, `bytes=0-N`; `nil` if it has nothing.
    /// - Returns: Whether it has more than before.
    /// - Throws: ``Lost``.
    mutating func note(_ range: String?) throws -> Bool {
        let now: Int64
        if let range {
            guard range.hasPrefix("bytes=0-"), let last = Int64(digits: range.dropFirst(8)), last < .max else { throw Lost() }
            now = last + 1
        } else {
            now = 0
        }
        guard now >= stored, now <= count else { throw Lost() }
        let isMore = now > stored
        held.moveReaderIndex(forwardBy: Int(now - stored))
        held.discardReadBytes()
        stored = now
        return isMore
    }
}
